import { addUsd, type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import { type Period, periodAt } from '../kernel/period.ts';
import type { BudgetSnapshot } from './budget-snapshot.ts';
import type { OrganizationLedger } from './organization-ledger.ts';
import type { LedgerKey } from './ports.ts';
import type { LedgerState } from './reservation.ts';
import { expireTopUps } from './top-ups.ts';

/** The outcome of one ledger's sweep: the number of expired reservations, and the ledger after it. */
export type SweptLedger = { readonly expired: number; readonly state: LedgerState };

/** The ledger's methods that a sweep calls. */
export type SweepableLedger = {
  /** Expires overdue reservations and ended top-ups; undefined for a period that is not open. */
  sweep(key: LedgerKey, nowEpochMs: number): Promise<SweptLedger | undefined>;
  /** Removes the cap's ended top-ups, and recalls idle money that the cap no longer covers. */
  sweepCap(period: Period, nowEpochMs: number): Promise<void>;
  /** Reads the cap, and every team that has drawn money in a period. */
  readOrganization(period: Period): Promise<Pick<OrganizationLedger, 'holders' | 'limitPicoUsd'> | undefined>;
};

/** What a sweep found over all teams. */
export type SweepResult = {
  readonly ledgers: number;
  /** Reservations taken for spent at their bound. */
  readonly expired: number;
  /** Reservations still in flight. */
  readonly open: number;
  readonly assumedPicoUsd: PicoUsd;
  readonly overrunPicoUsd: PicoUsd;
  /** What each ledger stands at; teams without a call in a period have none. */
  readonly budgetSnapshots: readonly BudgetSnapshot[];
  /** The organisation's cap as it is in force in each period that has begun. */
  readonly caps: ReadonlyMap<Period, PicoUsd>;
  /** Teams whose ledger could not be swept; the next sweep tries them again. */
  readonly failed: readonly string[];
};

/** How many ledgers are swept at once: few, so that admissions are not crowded out. */
const SWEEP_CONCURRENCY = 4;
/** A reservation lives minutes, so what was opened in the last period is swept for a day of the next. */
const LOOK_BACK_MS = 86_400_000;

/**
 * Expires the reservations that nobody has settled in time, and ends the top-ups whose time is over, in every team's
 * ledger of this period and the last.
 */
export async function sweepLedgers(
  ledger: SweepableLedger,
  teams: readonly string[],
  nowEpochMs: number,
): Promise<SweepResult> {
  const failed: string[] = [];
  const periods: readonly Period[] = [...new Set([periodAt(nowEpochMs), periodAt(nowEpochMs - LOOK_BACK_MS)])];
  const keys: LedgerKey[] = [];
  const caps = new Map<Period, PicoUsd>();
  for (const period of periods) {
    await ledger.sweepCap(period, nowEpochMs).catch(() => failed.push('the organisation'));
    // Also a team that has no policy any more: what its last calls hold would be held from all others for the month.
    const organization = await ledger.readOrganization(period);
    if (organization !== undefined) caps.set(period, organization.limitPicoUsd);
    for (const team of new Set([...teams, ...(organization?.holders ?? [])])) keys.push({ team, period });
  }
  const states: LedgerState[] = [];
  const budgetSnapshots: BudgetSnapshot[] = [];
  let expired = 0;
  const next = keys.values();
  const sweepOne = async () => {
    for (const key of next) {
      const swept = await ledger.sweep(key, nowEpochMs).catch(() => {
        failed.push(key.team);
        return undefined;
      });
      if (swept === undefined) continue;
      expired += swept.expired;
      states.push(swept.state);
      // A top-up whose time is over has just been ended, also where the state was read before.
      const { spentPicoUsd, limitPicoUsd } = expireTopUps(swept.state, nowEpochMs);
      budgetSnapshots.push({ holder: key.team, period: key.period, spentPicoUsd, limitPicoUsd });
    }
  };
  await Promise.all(Array.from({ length: SWEEP_CONCURRENCY }, sweepOne));
  const sum = (part: (state: LedgerState) => PicoUsd) => addUsd(ZERO_USD, ...states.map(part));
  return {
    ledgers: states.length,
    expired,
    open: states.reduce((count, state) => count + state.open.size, 0),
    assumedPicoUsd: sum((state) => state.assumedPicoUsd),
    overrunPicoUsd: sum((state) => state.overrunPicoUsd),
    budgetSnapshots,
    caps,
    failed,
  };
}
