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

/** The result of a sweep over all teams. */
export type SweepResult = {
  readonly ledgers: number;
  /** Reservations that the sweep expired. */
  readonly expired: number;
  /** Reservations still in flight. */
  readonly open: number;
  readonly assumedPicoUsd: PicoUsd;
  readonly overrunPicoUsd: PicoUsd;
  /** One for each open ledger. */
  readonly budgetSnapshots: readonly BudgetSnapshot[];
  /** The organisation's cap in force, for each open period. */
  readonly caps: ReadonlyMap<Period, PicoUsd>;
  /** Teams whose sweep failed; the next sweep retries them. */
  readonly failed: readonly string[];
};

/** The number of ledgers swept at the same time: few, so that the sweep does not slow admissions. */
const SWEEP_CONCURRENCY = 4;
/** The time for which the previous period is swept too, in milliseconds: a reservation lives for minutes. */
const LOOK_BACK_MS = 86_400_000;

/** Expires overdue reservations and ended top-ups in every team's ledger of the current and the previous period. */
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
    // Includes teams without a policy: their last reservations would otherwise reduce the cap until the month ends.
    const organization = await ledger.readOrganization(period);
    if (organization !== undefined) caps.set(period, organization.limitPicoUsd);
    for (const team of new Set([...teams, ...(organization?.holders ?? [])])) keys.push({ team, period });
  }
  const states: LedgerState[] = [];
  const budgetSnapshots: BudgetSnapshot[] = [];
  let expired = 0;
  const queue = keys.values();
  const sweepQueued = async () => {
    for (const key of queue) {
      const swept = await ledger.sweep(key, nowEpochMs).catch(() => {
        failed.push(key.team);
        return undefined;
      });
      if (swept === undefined) continue;
      expired += swept.expired;
      states.push(swept.state);
      // The state may have been read before its ended top-ups were removed.
      const { spentPicoUsd, limitPicoUsd } = expireTopUps(swept.state, nowEpochMs);
      budgetSnapshots.push({ holder: key.team, period: key.period, spentPicoUsd, limitPicoUsd });
    }
  };
  await Promise.all(Array.from({ length: SWEEP_CONCURRENCY }, sweepQueued));
  const sum = (amount: (state: LedgerState) => PicoUsd) => addUsd(ZERO_USD, ...states.map(amount));
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
