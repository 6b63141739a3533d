import { type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import type { CallTrace } from './call-trace.ts';
import type { KeyLedger, KeyTerms } from './key-ledger.ts';
import type { Pauses } from './pause.ts';
import type { TopUp } from './top-ups.ts';

/*
 * The life of a reservation:
 *
 *            reserve                 settle (usage known)
 *   (none) ───────────▶ open ───────────────────────────────────▶ spent at the true cost, the rest available again
 *                        │  │ └─ settle, assumed (outcome unknown) ─▶ spent at the bound, marked assumed
 *                        │  └─── void (Groq said no, or never saw it) ─▶ all of it available again
 *                        └────── expire (nobody came back) ──▶ lapsed: spent at the bound, marked assumed
 *                                                                 └─ late settle ─▶ corrected to the true cost, once
 */

/** Money held for one call in flight. */
export type Reservation = {
  readonly id: string;
  /** The most the call can cost. */
  readonly maxCostPicoUsd: PicoUsd;
  /** The most tokens it can use. */
  readonly tokens: number;
  readonly model: string;
  readonly keyId: string;
  /** When it may be taken for spent, if nobody has settled it. */
  readonly expiresAtEpochMs: number;
};

/** A team's totals for a period, in pico-dollars, and its rate buckets. `availablePicoUsd + reservedPicoUsd + spentPicoUsd = limitPicoUsd`. */
export type LedgerView = {
  readonly limitPicoUsd: PicoUsd;
  readonly availablePicoUsd: PicoUsd;
  readonly reservedPicoUsd: PicoUsd;
  readonly spentPicoUsd: PicoUsd;
  /** Drawn from the organisation's ledger, and neither held nor spent; below zero only through an overrun. */
  readonly leasedPicoUsd: PicoUsd;
  /** The part of `spentPicoUsd` that was taken at its bound because the outcome never came. */
  readonly assumedPicoUsd: PicoUsd;
  /** The part of `spentPicoUsd` that came in above its bound. */
  readonly overrunPicoUsd: PicoUsd;
  /** Epoch microseconds; see takeFromBucket. */
  readonly rpmTatUs: number;
  readonly tpmTatUs: number;
  /** The share of the key that asked, where it has one and the write told it. */
  readonly key?: KeyLedger;
};

/** A team's whole ledger for a period. */
export type LedgerState = LedgerView & {
  readonly open: ReadonlyMap<string, Reservation>;
  /** Expired reservations that a late settlement may still correct. */
  readonly lapsed: ReadonlyMap<string, Reservation>;
  /** Temporary increases that `limitPicoUsd` has in it. */
  readonly topUps: ReadonlyMap<string, TopUp>;
  readonly pauses: Pauses;
  /** The shares of keys that have limits of their own. */
  readonly keys: ReadonlyMap<string, KeyLedger>;
  /** From when on what is leased counts no more, since the cap it was drawn under has fallen; see organization-ledger.ts. */
  readonly leaseEndsAtEpochMs: number | undefined;
  /** Keys that were revoked so lately that their callers may still be let through to here. */
  readonly revoked: ReadonlySet<string>;
};

/** What is asked of a ledger: the reservation, and what it takes from the team's rates. */
export type ReserveTerms = {
  readonly reservation: Reservation;
  readonly nowEpochMs: number;
  readonly maxConcurrent: number;
  /** See rateCostUs; 0 when the team has no such limit. */
  readonly rpmCostUs: number;
  readonly tpmCostUs: number;
  /** Absent for a key without limits of its own. */
  readonly key?: KeyTerms;
};

/** Why a ledger cannot reserve now, with the wait where one is known. */
export type ReserveRefusal =
  | {
      readonly reason: 'team_paused' | 'organization_paused';
      readonly why: string;
      readonly untilEpochMs: number | undefined;
    }
  | {
      readonly reason: 'team_budget_exceeded';
      /** What calls in flight hold, and the part of it that may be waited for: see isReclaimable. */
      readonly reservedPicoUsd: PicoUsd;
      readonly reclaimablePicoUsd: PicoUsd;
    }
  | { readonly reason: 'key_revoked' }
  | {
      readonly reason: 'key_budget_exceeded';
      /** What the key still has of its own limit, and what its calls in flight hold. */
      readonly limitPicoUsd: PicoUsd;
      readonly availablePicoUsd: PicoUsd;
      readonly reservedPicoUsd: PicoUsd;
      readonly reclaimablePicoUsd: PicoUsd;
    }
  | {
      readonly reason: 'organization_budget_exceeded';
      /** The cap in force, what is left of it for this team, and what calls in flight hold of it, in all teams. */
      readonly limitPicoUsd: PicoUsd;
      readonly availablePicoUsd: PicoUsd;
      readonly reservedPicoUsd: PicoUsd;
      readonly reclaimablePicoUsd: PicoUsd;
    }
  | {
      readonly reason:
        | 'concurrency_exceeded'
        | 'requests_exceeded'
        | 'tokens_exceeded'
        | 'key_requests_exceeded'
        | 'key_tokens_exceeded';
      readonly retryAfterMs: number;
    };

/** How a call ended, in money and tokens. */
export type Settlement = {
  readonly kind: 'settle' | 'void';
  readonly costPicoUsd: PicoUsd;
  /** Whether the cost is the bound, because the true one is not known. */
  readonly assumed: boolean;
  /** What the unused tokens give back to the tokens-per-minute bucket, in microseconds. */
  readonly tpmRefundUs: number;
  /** The same for the key's own bucket. @default 0 */
  readonly keyTpmRefundUs?: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** The part of `completionTokens` that was reasoning. */
  readonly reasoningTokens: number;
  /** @default NO_TRACE */
  readonly trace?: CallTrace;
};

/** The end of a call that Groq refused or never saw. */
export const VOID: Settlement = {
  kind: 'void',
  costPicoUsd: ZERO_USD,
  assumed: false,
  tpmRefundUs: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
};
