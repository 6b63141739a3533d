import type { Clock } from '../kernel/clock.ts';
import type { PicoUsd } from '../kernel/money.ts';
import { periodAt } from '../kernel/period.ts';
import { ensureKeyLedger } from '../ledger/key-ledger.ts';
import type { CachedLedgerView, Ledger, LedgerKey } from '../ledger/ports.ts';
import type { LedgerState, ReserveTerms } from '../ledger/reservation.ts';
import { reserve } from '../ledger/reserve.ts';
import { expireTopUps } from '../ledger/top-ups.ts';
import { type BudgetRefusal, balanceAtRefusal, couldBecomeAffordable } from './budget-balance.ts';

/** The maximum age of a cached ledger view that a waiting call relies on, in milliseconds. */
const MAX_SNAPSHOT_AGE_MS = 250;
/** The interval at which a waiting call polls the cached view, in milliseconds; no I/O. */
const POLL_INTERVAL_MS = 20;
/** The backoff between two reads of the ledger by a waiting call, in milliseconds. */
const INITIAL_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 2_000;

/** Returns backoff delays that double, with jitter, because many calls wait for the same money. */
export function exponentialBackoff({ random }: Clock): () => number {
  let nextBackoffMs = INITIAL_BACKOFF_MS;
  return () => {
    const backoffMs = nextBackoffMs * (0.5 + random());
    nextBackoffMs = Math.min(2 * nextBackoffMs, MAX_BACKOFF_MS);
    return backoffMs;
  };
}

/** A call that waits for money of its team's ledger. */
export type BudgetWait = {
  readonly key: LedgerKey;
  /** The reservation to make once it fits. */
  readonly terms: ReserveTerms;
  /** The cost of the shortest answer that the call accepts. */
  readonly minCostPicoUsd: PicoUsd;
  /** The cached view shows the team's budget, but not a key's own. */
  readonly reason: BudgetRefusal['reason'];
  readonly maxWaitMs: number;
  readonly nextBackoffMs: () => number;
};

/** The knowledge of a waiting call at one poll. */
export type BudgetPoll = Pick<BudgetWait, 'key' | 'reason'> & {
  /** The cost to reserve. */
  readonly maxCostPicoUsd: PicoUsd;
  readonly lastSeen: CachedLedgerView | undefined;
  readonly nextReadAtEpochMs: number;
};

/** Decides whether a waiting call tries to reserve, reads the ledger, or keeps waiting. */
export function nextStep(poll: BudgetPoll, nowEpochMs: number): 'reserve' | 'read' | 'wait' {
  // A new month has a ledger of its own.
  if (periodAt(nowEpochMs) !== poll.key.period) return 'reserve';
  const lastSeen = poll.reason === 'team_budget_exceeded' ? poll.lastSeen : undefined;
  if (lastSeen === undefined || nowEpochMs - lastSeen.seenAtEpochMs > MAX_SNAPSHOT_AGE_MS) {
    return nowEpochMs >= poll.nextReadAtEpochMs ? 'read' : 'wait';
  }
  const { availablePicoUsd, reservedPicoUsd } = lastSeen.view;
  return availablePicoUsd >= poll.maxCostPicoUsd || reservedPicoUsd === 0n ? 'reserve' : 'wait';
}

/**
 * Waits until another attempt to reserve may succeed. It polls the view that this process caches with each write, and
 * reads the ledger if that view is stale. It does not write: a failed condition costs as much as a write of the whole
 * item, and all waiting calls of the team would contend for that item.
 */
export async function waitForBudget(ports: { ledger: Ledger; clock: Clock }, wait: BudgetWait): Promise<void> {
  const { ledger, clock } = ports;
  const { key, reason } = wait;
  const { maxCostPicoUsd } = wait.terms.reservation;
  const untilEpochMs = clock.nowEpochMs() + wait.maxWaitMs;
  let nextReadAtEpochMs = clock.nowEpochMs() + wait.nextBackoffMs();
  do {
    await clock.sleep(POLL_INTERVAL_MS * (0.5 + clock.random()));
    const nowEpochMs = clock.nowEpochMs();
    const poll = { key, reason, maxCostPicoUsd, lastSeen: ledger.lastSeen(key), nextReadAtEpochMs };
    const step = nextStep(poll, nowEpochMs);
    if (step === 'reserve') return;
    if (step === 'read') {
      const state = await ledger.readEventuallyConsistent(key);
      if (state === undefined || shouldReserve(state, wait, nowEpochMs)) return;
      nextReadAtEpochMs = nowEpochMs + wait.nextBackoffMs();
    }
  } while (clock.nowEpochMs() < untilEpochMs);
}

/** True unless a reserve would only repeat the same refusal. */
function shouldReserve(read: LedgerState, { terms, minCostPicoUsd }: BudgetWait, nowEpochMs: number): boolean {
  const state = ensureKeyLedger(expireTopUps(read, nowEpochMs), terms.key);
  // A reserve also expires the reservations that are overdue.
  if ([...state.open.values()].some(({ expiresAtEpochMs }) => expiresAtEpochMs <= nowEpochMs)) return true;
  const outcome = reserve(state, { ...terms, nowEpochMs });
  if (!('refused' in outcome) || !('reclaimablePicoUsd' in outcome.refused)) return true;
  const balance = balanceAtRefusal(outcome.refused, state);
  return balance.reservedPicoUsd === 0n || !couldBecomeAffordable(balance, minCostPicoUsd);
}
