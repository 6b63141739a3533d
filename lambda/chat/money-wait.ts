import type { Clock } from '../kernel/clock.ts';
import { addUsd, type PicoUsd } from '../kernel/money.ts';
import { periodOf } from '../kernel/period.ts';
import { reserve, withKey } from '../ledger/ledger.ts';
import type { Ledger, LedgerKey } from '../ledger/ports.ts';
import type { LedgerState, LedgerView, ReserveRefusal, ReserveTerms } from '../ledger/reservation.ts';
import { endTopUps } from '../ledger/top-ups.ts';

/** How old a sight of the ledger may be for a waiting call to trust that it still cannot fit, in milliseconds. */
const TRUST_SEEN_MS = 250;
/** How often a waiting call looks at what this process has seen, in milliseconds; no I/O. */
const LOOK_EVERY_MS = 20;
/** How long a waiting call lets the ledger be between two times that it asks, in milliseconds: at first, and at most. */
const FIRST_ASK_MS = 250;
const MAX_ASK_MS = 2_000;

/** A refusal for want of money. */
type MoneyRefusal = Extract<ReserveRefusal, { awaitedPicoUsd: PicoUsd }>;

/** Money that a refused call could have had: what is left, what calls in flight hold, and what of that to wait for. */
export type Rest = { readonly left: PicoUsd; readonly held: PicoUsd; readonly awaited: PicoUsd };

/** What a call was refused for, in a ledger as it stood then. */
export function restOf(refused: MoneyRefusal, { available }: Pick<LedgerView, 'available'>): Rest {
  const own = refused.reason === 'team_budget_exceeded' ? available : refused.leftPicoUsd;
  return {
    left: own < available ? own : available,
    held: refused.heldPicoUsd,
    awaited: refused.awaitedPicoUsd,
  };
}

/** Whether what may come back could pay a cost. */
export function isWorthWaiting({ left, awaited }: Rest, cost: PicoUsd): boolean {
  return addUsd(left, awaited) >= cost;
}

/** Pauses that double, each a random part longer or shorter: many calls wait for the same money. */
export function doublingPauses({ random }: Clock): () => number {
  let pauseMs = FIRST_ASK_MS;
  return () => {
    const next = pauseMs * (0.5 + random());
    pauseMs = Math.min(2 * pauseMs, MAX_ASK_MS);
    return next;
  };
}

/** A call that waits for its team's money. */
export type MoneyWait = {
  readonly key: LedgerKey;
  /** What it would reserve. */
  readonly terms: ReserveTerms;
  /** The least that makes an answer. */
  readonly leastPicoUsd: PicoUsd;
  /** What it was refused for: what others write here tells of the team's money, and not of a key's own. */
  readonly reason: MoneyRefusal['reason'];
  readonly mostMs: number;
  readonly pauseMs: () => number;
};

/**
 * Waits until it is worth trying again. What this process sees while it writes is free; where it sees nothing, the ledger
 * is read and not written: a condition that fails costs as much as a write of the whole item, and every waiting call's
 * would meet those of the team's others on that one item.
 */
export async function waitForMoney(ports: { ledger: Ledger; clock: Clock }, wait: MoneyWait): Promise<void> {
  const { ledger, clock } = ports;
  const { key, terms, reason, mostMs, pauseMs } = wait;
  const { costPicoUsd } = terms.reservation;
  const untilMs = clock.nowEpochMs() + mostMs;
  let askAtMs = clock.nowEpochMs() + pauseMs();
  do {
    await clock.sleep(LOOK_EVERY_MS * (0.5 + clock.random()));
    const nowMs = clock.nowEpochMs();
    // The new month's money is another ledger's.
    if (periodOf(nowMs) !== key.period) return;
    const seen = reason === 'team_budget_exceeded' ? ledger.lastSeen(key) : undefined;
    if (seen !== undefined && nowMs - seen.seenAtEpochMs <= TRUST_SEEN_MS) {
      if (seen.view.available >= costPicoUsd || seen.view.reserved === 0n) return;
    } else if (nowMs >= askAtMs) {
      const state = await ledger.peek(key);
      if (state === undefined || isWorthTrying(state, wait, nowMs)) return;
      askAtMs = nowMs + pauseMs();
    }
  } while (clock.nowEpochMs() < untilMs);
}

/** Whether a write would come to anything else than the same refusal and more waiting. */
function isWorthTrying(seen: LedgerState, { terms, leastPicoUsd }: MoneyWait, nowEpochMs: number): boolean {
  const state = withKey(endTopUps(seen, nowEpochMs), terms.key);
  // The write that finds a call past its time ends it.
  if ([...state.open.values()].some(({ expiresAtEpochMs }) => expiresAtEpochMs <= nowEpochMs)) return true;
  const again = reserve(state, { ...terms, nowEpochMs });
  if (!('refused' in again) || !('awaitedPicoUsd' in again.refused)) return true;
  const rest = restOf(again.refused, state);
  return rest.held === 0n || !isWorthWaiting(rest, leastPicoUsd);
}
