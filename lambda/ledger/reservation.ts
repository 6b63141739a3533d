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
 *                        │  │ └─ settle, assumed (outcome unknown) ─▶ spent at the maximum cost, marked assumed
 *                        │  └─── void (refused by Groq, or not sent) ─▶ all of it available again
 *                        └────── expire (no settlement came) ─▶ lapsed: spent at the maximum cost, marked assumed
 *                                                                 └─ late settle ─▶ corrected to the true cost, once
 */

/** Money reserved for one call in flight. */
export type Reservation = {
  readonly id: string;
  /** The maximum cost of the call. */
  readonly maxCostPicoUsd: PicoUsd;
  /** The maximum tokens of the call. */
  readonly tokens: number;
  readonly model: string;
  readonly keyId: string;
  /** The time from which an unsettled reservation may be expired. */
  readonly expiresAtEpochMs: number;
};

/** A team's totals and rate buckets for a period. `availablePicoUsd + reservedPicoUsd + spentPicoUsd = limitPicoUsd`. */
export type LedgerView = {
  readonly limitPicoUsd: PicoUsd;
  readonly availablePicoUsd: PicoUsd;
  readonly reservedPicoUsd: PicoUsd;
  readonly spentPicoUsd: PicoUsd;
  /** Leased from the organisation's ledger, and neither reserved nor spent; negative only after an overrun. */
  readonly leasedPicoUsd: PicoUsd;
  /** The part of `spentPicoUsd` that is charged at the maximum cost because the outcome is unknown. */
  readonly assumedPicoUsd: PicoUsd;
  /** The part of `spentPicoUsd` above the reserved maximum costs. */
  readonly overrunPicoUsd: PicoUsd;
  /** In epoch microseconds; see takeFromBucket. */
  readonly rpmTatUs: number;
  readonly tpmTatUs: number;
  /** The share of the calling key, if it has one and the write returned it. */
  readonly key?: KeyLedger;
};

/** A team's whole ledger for a period. */
export type LedgerState = LedgerView & {
  readonly open: ReadonlyMap<string, Reservation>;
  /** Expired reservations that a late settlement may still correct. */
  readonly lapsed: ReadonlyMap<string, Reservation>;
  /** The temporary increases that `limitPicoUsd` includes. */
  readonly topUps: ReadonlyMap<string, TopUp>;
  readonly pauses: Pauses;
  /** The shares of keys that have limits of their own. */
  readonly keys: ReadonlyMap<string, KeyLedger>;
  /** The time at which the lease ends because the cap that it was drawn under falls; see organization-ledger.ts. */
  readonly leaseEndsAtEpochMs: number | undefined;
  /** Keys revoked so recently that API Gateway may still let their callers through. */
  readonly revoked: ReadonlySet<string>;
};

/** The input of a reserve: the reservation, and what it takes from the team's rates. */
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

/** The reason why a ledger cannot reserve now, with the wait if it is known. */
export type ReserveRefusal =
  | {
      readonly reason: 'team_paused' | 'organization_paused';
      readonly why: string;
      readonly untilEpochMs: number | undefined;
    }
  | {
      readonly reason: 'team_budget_exceeded';
      /** Reserved by calls in flight, and the part of it worth waiting for; see sumReserved. */
      readonly reservedPicoUsd: PicoUsd;
      readonly reclaimablePicoUsd: PicoUsd;
    }
  | { readonly reason: 'key_revoked' }
  | {
      readonly reason: 'key_budget_exceeded';
      /** The key's own limit, what is left of it, and what its calls in flight reserve. */
      readonly limitPicoUsd: PicoUsd;
      readonly availablePicoUsd: PicoUsd;
      readonly reservedPicoUsd: PicoUsd;
      readonly reclaimablePicoUsd: PicoUsd;
    }
  | {
      readonly reason: 'organization_budget_exceeded';
      /** The cap in force, what is left of it for this team, and what calls in flight of all teams reserve. */
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
      /** The calls that hold the places, where the reason is concurrency. */
      readonly inFlight?: { readonly calls: number; readonly oldestSinceEpochMs: number };
    };

/** The end of a call, in money and tokens. */
export type Settlement = {
  readonly kind: 'settle' | 'void';
  readonly costPicoUsd: PicoUsd;
  /** True when the cost is the maximum because the true cost is unknown. */
  readonly assumed: boolean;
  /** The refund of unused tokens to the tokens-per-minute bucket, in microseconds. */
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

/** The end of a call that Groq refused or never received. */
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
