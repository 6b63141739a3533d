import { type PicoUsd, picoUsd, subtractUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import type { LedgerTotals } from '../figures.ts';
import type { CallBurst } from '../load.ts';
import type { Tally } from '../tally.ts';
import type { BudgetHandle, Target } from '../targets/target.ts';
import type { Measurement } from '../verdict.ts';

/** The target and the size of an attack. */
export type Attack = { readonly target: Target; readonly calls: number; readonly concurrency: number };

/** One way to attack a budget. */
export type Scenario = {
  readonly id: string;
  readonly title: string;
  /** The requirement on the target: any client, an upstream that fails on request, or gateways that can be killed. */
  readonly needs: 'client' | 'fake upstream' | 'testRig';
  run(attack: Attack): Promise<readonly Measurement[]>;
};

/** All calls have settled once this many consecutive reads are equal. */
const POLL_INTERVAL_MS = 250;
const STABLE_READS = 4;
/** Longer than a call waits for money that other calls hold. */
const SETTLE_TIMEOUT_MS = 45_000;

/** The budget that pays for a number of calls. */
export function budgetForCalls({ target }: Attack, calls: number): PicoUsd {
  return picoUsd(target.call.costPicoUsd * BigInt(calls));
}

/** Runs an attack on one budget, waits until all calls have settled, and measures. */
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

/** Refusals that valid requests may get. */
const EXPECTED_REFUSALS = ['team_budget_exceeded', 'organization_budget_exceeded', 'rate_limit_exceeded'];

/** Finds results that must not occur with a healthy upstream. */
function findAnomalies({ refused, broken, disconnected, reportedCost }: Tally, billed: PicoUsd): string[] {
  const unexpected = Object.entries(refused).filter(([code]) => !EXPECTED_REFUSALS.includes(code));
  const isAllRead = disconnected + broken === 0;
  return [
    ...unexpected.map(([code, count]) => `${count} calls were answered by ${code}`),
    ...(broken > 0 ? [`${broken} responses broke off`] : []),
    ...(isAllRead && reportedCost !== billed
      ? [`the responses reported a cost of $${toUsdString(reportedCost)}, and the bill is $${toUsdString(billed)}`]
      : []),
  ];
}

/** Chooses the most independent count as the bill: the upstream's, the clients', or the ledger's. */
function chooseBill(
  tally: Tally,
  settled: SettledTotals,
  before: PicoUsd | undefined,
): Pick<Measurement, 'billed' | 'billedBy'> {
  if (before !== undefined) return { billed: subtractUsd(settled.billed, before), billedBy: 'upstream' };
  // Clients that hung up have not read the costs of their calls.
  if (tally.disconnected + tally.broken > 0) return { billed: settled.ledger.spentPicoUsd, billedBy: 'ledger' };
  return { billed: tally.reportedCost, billedBy: 'answers' };
}

type SettledTotals = {
  readonly ledger: LedgerTotals;
  readonly billed: PicoUsd;
  /** Not empty when figures were still changing at the timeout. */
  readonly faults: readonly string[];
};

/** Waits until the ledger and the upstream's count stop changing, and returns both. */
export async function waitUntilSettled(
  { upstream }: Pick<Target, 'upstream'>,
  budgetHandle: Pick<BudgetHandle, 'ledger'>,
  timeoutMs = SETTLE_TIMEOUT_MS,
): Promise<SettledTotals> {
  let [stableReads, last] = [0, ''];
  for (let waitedMs = 0; ; waitedMs += POLL_INTERVAL_MS) {
    const [ledger, count] = [await budgetHandle.ledger(), await upstream?.read()];
    const snapshot = [ledger.spentPicoUsd, ledger.reservedPicoUsd, count?.requests, count?.billed].join();
    stableReads = snapshot === last && (count?.inFlight ?? 0) === 0 ? stableReads + 1 : 0;
    last = snapshot;
    const settled = { ledger, billed: count?.billed ?? picoUsd(0n) };
    if (stableReads >= STABLE_READS) return { ...settled, faults: [] };
    if (waitedMs >= timeoutMs)
      return {
        ...settled,
        faults: [`calls were still in flight or settling ${timeoutMs / 1000} s after the last answer`],
      };
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/** The settings that all bursts of an attack on one budget share. */
export function burstFor(
  { target, concurrency }: Attack,
  budgetHandle: BudgetHandle,
): Pick<CallBurst, 'budgetHandle' | 'template' | 'concurrency'> {
  return { budgetHandle, template: target.call, concurrency };
}
