import { type PicoUsd, picoUsd, subtractUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import type { LedgerTotals } from '../figures.ts';
import type { CallBurst, Tally } from '../load.ts';
import type { BudgetHandle, Target } from '../targets/target.ts';
import type { Measurement } from '../verdict.ts';

/** How hard is attacked. */
export type Attack = { readonly target: Target; readonly calls: number; readonly concurrency: number };

/** One way to attack a budget. */
export type Scenario = {
  readonly id: string;
  readonly title: string;
  /** What it takes: a client, an upstream that fails on request, or gateways that may be killed. */
  readonly needs: 'client' | 'fake upstream' | 'testRig';
  run(attack: Attack): Promise<readonly Measurement[]>;
};

/** How often is looked whether all has settled, in milliseconds, and how often nothing must have moved in a row. */
const POLL_INTERVAL_MS = 250;
const STABLE_READS = 4;
/** How long is waited for it at most, in milliseconds: longer than a call waits for money that others hold. */
const SETTLE_WAIT_MS = 45_000;

/** A budget worth so many calls. */
export function budgetForCalls({ target }: Attack, calls: number): PicoUsd {
  return picoUsd(target.call.costPicoUsd * BigInt(calls));
}

/** Attacks one budget by some function, waits until nothing moves any more, and measures. */
export async function measure(
  { id, title, isExact, mayHold = false }: { id: string; title: string; isExact: boolean; mayHold?: boolean },
  target: Target,
  budgetHandle: BudgetHandle,
  attack: () => Promise<Tally>,
): Promise<Measurement> {
  const startMs = performance.now();
  const before = await target.upstream?.read();
  const tally = await attack();
  const settled = await waitUntilSettled(target, budgetHandle);
  const bill = chooseBill(tally, settled, before?.billed);
  return {
    scenario: id,
    title,
    budget: budgetHandle.budgetPicoUsd,
    tally,
    ...bill,
    ledger: settled.ledger,
    isExact,
    mayHold,
    faults: [...settled.faults, ...(isExact ? findAnomalies(tally, bill.billed) : [])],
    seconds: (performance.now() - startMs) / 1000,
  };
}

/** What a client may be refused by that asks for nothing wrong. */
const EXPECTED_REFUSALS = ['team_budget_exceeded', 'organization_budget_exceeded', 'rate_limit_exceeded'];

/** What clients saw that must not be where nothing goes wrong upstream. */
function findAnomalies({ refused, broken, disconnected, reportedCost }: Tally, billed: PicoUsd): string[] {
  const unexpected = Object.entries(refused).filter(([code]) => !EXPECTED_REFUSALS.includes(code));
  const isAllRead = disconnected + broken === 0;
  return [
    ...unexpected.map(([code, count]) => `${count} calls were answered by ${code}`),
    ...(broken > 0 ? [`${broken} answers broke off`] : []),
    ...(isAllRead && reportedCost !== billed
      ? [`the answers said they cost $${toUsdString(reportedCost)}, and the bill is $${toUsdString(billed)}`]
      : []),
  ];
}

/** The bill by the best count there is. */
function chooseBill(
  tally: Tally,
  settled: SettledTotals,
  before: PicoUsd | undefined,
): Pick<Measurement, 'billed' | 'billedBy'> {
  if (before !== undefined) return { billed: subtractUsd(settled.billed, before), billedBy: 'upstream' };
  // Clients that hung up have not read what their calls cost.
  if (tally.disconnected + tally.broken > 0) return { billed: settled.ledger.spentPicoUsd, billedBy: 'ledger' };
  return { billed: tally.reportedCost, billedBy: 'answers' };
}

type SettledTotals = {
  readonly ledger: LedgerTotals;
  readonly billed: PicoUsd;
  /** What was still moving, in a sentence: then these are not the last figures. */
  readonly faults: readonly string[];
};

/** Waits until neither the ledger nor the upstream's count moves any more, and tells both. */
export async function waitUntilSettled(
  { upstream }: Pick<Target, 'upstream'>,
  budgetHandle: Pick<BudgetHandle, 'ledger'>,
  mostMs = SETTLE_WAIT_MS,
): Promise<SettledTotals> {
  let [stableReads, last] = [0, ''];
  for (let waitedMs = 0; ; waitedMs += POLL_INTERVAL_MS) {
    const [ledger, count] = [await budgetHandle.ledger(), await upstream?.read()];
    const snapshot = [ledger.spentPicoUsd, ledger.reservedPicoUsd, count?.requests, count?.billed].join();
    stableReads = snapshot === last && (count?.inFlight ?? 0) === 0 ? stableReads + 1 : 0;
    last = snapshot;
    const settled = { ledger, billed: count?.billed ?? picoUsd(0n) };
    if (stableReads >= STABLE_READS) return { ...settled, faults: [] };
    if (waitedMs >= mostMs)
      return {
        ...settled,
        faults: [`calls were still in flight or settling ${mostMs / 1000} s after the last answer`],
      };
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/** What each volley of an attack on one budget has in common. */
export function burstFor(
  { target, concurrency }: Attack,
  budgetHandle: BudgetHandle,
): Pick<CallBurst, 'budgetHandle' | 'template' | 'concurrency'> {
  return { budgetHandle, template: target.call, concurrency };
}
