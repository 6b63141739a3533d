import type { Clock } from '../kernel/clock.ts';
import { addUsd, type PicoUsd } from '../kernel/money.ts';
import { periodAt } from '../kernel/period.ts';
import { ensureKeyLedger, reserve } from '../ledger/ledger.ts';
import type { Ledger, LedgerKey } from '../ledger/ports.ts';
import type { LedgerState, LedgerView, ReserveRefusal, ReserveTerms } from '../ledger/reservation.ts';
import { expireTopUps } from '../ledger/top-ups.ts';

/** How old a sight of the ledger may be for a waiting call to trust that it still cannot fit, in milliseconds. */
const MAX_SNAPSHOT_AGE_MS = 250;
/** How often a waiting call looks at what this process has seen, in milliseconds; no I/O. */
const POLL_INTERVAL_MS = 20;
/** How long a waiting call lets the ledger be between two times that it asks, in milliseconds: at first, and at most. */
const INITIAL_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 2_000;

/** A refusal for want of money. */
type BudgetRefusal = Extract<ReserveRefusal, { reclaimablePicoUsd: PicoUsd }>;

/** Money that a refused call could have had: what is left, what calls in flight hold, and what of that to wait for. */
export type BudgetBalance = {
  readonly availablePicoUsd: PicoUsd;
  readonly reservedPicoUsd: PicoUsd;
  readonly reclaimablePicoUsd: PicoUsd;
};

/** What a call was refused for, in a ledger as it stood then. */
export function balanceAtRefusal(
  refused: BudgetRefusal,
  { availablePicoUsd }: Pick<LedgerView, 'availablePicoUsd'>,
): BudgetBalance {
  const own = refused.reason === 'team_budget_exceeded' ? availablePicoUsd : refused.availablePicoUsd;
  return {
    availablePicoUsd: own < availablePicoUsd ? own : availablePicoUsd,
    reservedPicoUsd: refused.reservedPicoUsd,
    reclaimablePicoUsd: refused.reclaimablePicoUsd,
  };
}

/** Whether what may come back could pay a cost. */
export function couldBecomeAffordable({ availablePicoUsd, reclaimablePicoUsd }: BudgetBalance, cost: PicoUsd): boolean {
  return addUsd(availablePicoUsd, reclaimablePicoUsd) >= cost;
}

/** Pauses that double, each a random part longer or shorter: many calls wait for the same money. */
export function exponentialBackoff({ random }: Clock): () => number {
  let nextBackoffMs = INITIAL_BACKOFF_MS;
  return () => {
    const next = nextBackoffMs * (0.5 + random());
    nextBackoffMs = Math.min(2 * nextBackoffMs, MAX_BACKOFF_MS);
    return next;
  };
}

/** A call that waits for its team's money. */
export type BudgetWait = {
  readonly key: LedgerKey;
  /** What it would reserve. */
  readonly terms: ReserveTerms;
  /** The least that makes an answer. */
  readonly minCostPicoUsd: PicoUsd;
  /** What it was refused for: what others write here tells of the team's money, and not of a key's own. */
  readonly reason: BudgetRefusal['reason'];
  readonly maxWaitMs: number;
  readonly nextBackoffMs: () => number;
};

/**
 * Waits until it is worth trying again. What this process sees while it writes is free; where it sees nothing, the ledger
 * is read and not written: a condition that fails costs as much as a write of the whole item, and every waiting call's
 * would meet those of the team's others on that one item.
 */
export async function waitForBudget(ports: { ledger: Ledger; clock: Clock }, wait: BudgetWait): Promise<void> {
  const { ledger, clock } = ports;
  const { key, terms, reason, maxWaitMs, nextBackoffMs } = wait;
  const { maxCostPicoUsd } = terms.reservation;
  const untilMs = clock.nowEpochMs() + maxWaitMs;
  let nextReadAtMs = clock.nowEpochMs() + nextBackoffMs();
  do {
    await clock.sleep(POLL_INTERVAL_MS * (0.5 + clock.random()));
    const nowMs = clock.nowEpochMs();
    // The new month's money is another ledger's.
    if (periodAt(nowMs) !== key.period) return;
    const seen = reason === 'team_budget_exceeded' ? ledger.lastSeen(key) : undefined;
    if (seen !== undefined && nowMs - seen.seenAtEpochMs <= MAX_SNAPSHOT_AGE_MS) {
      if (seen.view.availablePicoUsd >= maxCostPicoUsd || seen.view.reservedPicoUsd === 0n) return;
    } else if (nowMs >= nextReadAtMs) {
      const state = await ledger.readEventuallyConsistent(key);
      if (state === undefined || shouldRetryReserve(state, wait, nowMs)) return;
      nextReadAtMs = nowMs + nextBackoffMs();
    }
  } while (clock.nowEpochMs() < untilMs);
}

/** Whether a write would come to anything else than the same refusal and more waiting. */
function shouldRetryReserve(seen: LedgerState, { terms, minCostPicoUsd }: BudgetWait, nowEpochMs: number): boolean {
  const state = ensureKeyLedger(expireTopUps(seen, nowEpochMs), terms.key);
  // The write that finds a call past its time ends it.
  if ([...state.open.values()].some(({ expiresAtEpochMs }) => expiresAtEpochMs <= nowEpochMs)) return true;
  const again = reserve(state, { ...terms, nowEpochMs });
  if (!('refused' in again) || !('reclaimablePicoUsd' in again.refused)) return true;
  const rest = balanceAtRefusal(again.refused, state);
  return rest.reservedPicoUsd === 0n || !couldBecomeAffordable(rest, minCostPicoUsd);
}
