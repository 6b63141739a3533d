import { type PicoUsd, picoUsd, subtractUsd, usdText } from '../../../lambda/kernel/money.ts';
import type { LedgerFigures } from '../figures.ts';
import type { Tally, Volley } from '../load.ts';
import type { Purse, Target } from '../targets/target.ts';
import type { Measured } from '../verdict.ts';

/** How hard is attacked. */
export type Attack = { readonly target: Target; readonly calls: number; readonly atOnce: number };

/** One way to attack a budget. */
export type Scenario = {
  readonly id: string;
  readonly title: string;
  /** What it takes: a client, an upstream that fails on request, or gateways that may be killed. */
  readonly needs: 'client' | 'fake upstream' | 'laboratory';
  run(attack: Attack): Promise<readonly Measured[]>;
};

/** How often is looked whether all has settled, in milliseconds, and how often nothing must have moved in a row. */
const LOOK_EVERY_MS = 250;
const STILL_LOOKS = 4;
/** How long is waited for it at most, in milliseconds: longer than a call waits for money that others hold. */
const SETTLE_WAIT_MS = 45_000;

/** A budget worth so many calls. */
export function worthOf({ target }: Attack, calls: number): PicoUsd {
  return picoUsd(target.call.costPicoUsd * BigInt(calls));
}

/** Attacks one budget by some function, waits until nothing moves any more, and measures. */
export async function measure(
  { id, title, isExact, mayHold = false }: { id: string; title: string; isExact: boolean; mayHold?: boolean },
  target: Target,
  purse: Purse,
  attack: () => Promise<Tally>,
): Promise<Measured> {
  const startMs = performance.now();
  const before = await target.upstream?.read();
  const tally = await attack();
  const settled = await untilStill(target, purse);
  const bill = billOf(tally, settled, before?.billed);
  return {
    scenario: id,
    title,
    budget: purse.budgetPicoUsd,
    tally,
    ...bill,
    ledger: settled.ledger,
    isExact,
    mayHold,
    faults: [...settled.faults, ...(isExact ? faultsOf(tally, bill.billed) : [])],
    seconds: (performance.now() - startMs) / 1000,
  };
}

/** What a client may be refused by that asks for nothing wrong. */
const EXPECTED = ['team_budget_exceeded', 'organization_budget_exceeded', 'rate_limit_exceeded'];

/** What clients saw that must not be where nothing goes wrong upstream. */
function faultsOf({ refused, broken, left, told }: Tally, billed: PicoUsd): string[] {
  const odd = Object.entries(refused).filter(([code]) => !EXPECTED.includes(code));
  const isAllRead = left + broken === 0;
  return [
    ...odd.map(([code, count]) => `${count} calls were answered by ${code}`),
    ...(broken > 0 ? [`${broken} answers broke off`] : []),
    ...(isAllRead && told !== billed
      ? [`the answers said they cost $${usdText(told)}, and the bill is $${usdText(billed)}`]
      : []),
  ];
}

/** The bill by the best count there is. */
function billOf(tally: Tally, settled: Settled, before: PicoUsd | undefined): Pick<Measured, 'billed' | 'billedBy'> {
  if (before !== undefined) return { billed: subtractUsd(settled.billed, before), billedBy: 'upstream' };
  // Clients that hung up have not read what their calls cost.
  if (tally.left + tally.broken > 0) return { billed: settled.ledger.spent, billedBy: 'ledger' };
  return { billed: tally.told, billedBy: 'answers' };
}

type Settled = {
  readonly ledger: LedgerFigures;
  readonly billed: PicoUsd;
  /** What was still moving, in a sentence: then these are not the last figures. */
  readonly faults: readonly string[];
};

/** Waits until neither the ledger nor the upstream's count moves any more, and tells both. */
export async function untilStill(
  { upstream }: Pick<Target, 'upstream'>,
  purse: Pick<Purse, 'ledger'>,
  mostMs = SETTLE_WAIT_MS,
): Promise<Settled> {
  let [stillFor, last] = [0, ''];
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const [ledger, count] = [await purse.ledger(), await upstream?.read()];
    const sight = [ledger.spent, ledger.held, count?.requests, count?.billed].join();
    stillFor = sight === last && (count?.inFlight ?? 0) === 0 ? stillFor + 1 : 0;
    last = sight;
    const settled = { ledger, billed: count?.billed ?? picoUsd(0n) };
    if (stillFor >= STILL_LOOKS) return { ...settled, faults: [] };
    if (waitedMs >= mostMs)
      return {
        ...settled,
        faults: [`calls were still in flight or settling ${mostMs / 1000} s after the last answer`],
      };
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** What each volley of an attack on one budget has in common. */
export function volleyOf({ target, atOnce }: Attack, purse: Purse): Pick<Volley, 'purse' | 'shape' | 'atOnce'> {
  return { purse, shape: target.call, atOnce };
}
