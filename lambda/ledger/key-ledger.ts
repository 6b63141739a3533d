import { type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import { takeFromBucket } from '../kernel/rate-limit.ts';

/** The limits of a key within its team's, and the amounts that a call takes from them. */
export type KeyTerms = {
  /** The key that owns the limits: the first of a chain of rotations, so that a rotation does not double them. */
  readonly id: string;
  /** The limit of a period; undefined: only the team's. */
  readonly limitPicoUsd: PicoUsd | undefined;
  /** See rateCostUs; 0 when the key has no such limit. */
  readonly rpmCostUs: number;
  readonly tpmCostUs: number;
};

/** A key's share of its team's ledger for a period. */
export type KeyLedger = {
  /** Undefined: no limit of its own. */
  readonly limitPicoUsd: PicoUsd | undefined;
  /** Neither reserved nor spent; meaningless without a limit. */
  readonly availablePicoUsd: PicoUsd;
  readonly rpmTatUs: number;
  readonly tpmTatUs: number;
};

/** Returns a fresh share for a period. */
export function openKeyLedger(limitPicoUsd: PicoUsd | undefined): KeyLedger {
  return { limitPicoUsd, availablePicoUsd: limitPicoUsd ?? ZERO_USD, rpmTatUs: 0, tpmTatUs: 0 };
}

/** A state that holds the shares of keys by id. */
type HasKeyLedgers = { readonly keys: ReadonlyMap<string, KeyLedger> };

/** Opens the share of a key that has limits of its own, unless it is open. */
export function ensureKeyLedger<S extends HasKeyLedgers>(state: S, terms: KeyTerms | undefined): S {
  if (terms === undefined || state.keys.has(terms.id)) return state;
  return { ...state, keys: new Map(state.keys).set(terms.id, openKeyLedger(terms.limitPicoUsd)) };
}

/** Changes a key's share; returns the same state for a key without one. */
export function changeKeyLedger<S extends HasKeyLedgers>(
  state: S,
  terms: KeyTerms | undefined,
  change: (share: KeyLedger) => KeyLedger,
): S {
  const share = terms === undefined ? undefined : state.keys.get(terms.id);
  if (terms === undefined || share === undefined) return state;
  return { ...state, keys: new Map(state.keys).set(terms.id, change(share)) };
}

/** True when a key's own budget covers a cost. */
export function hasFundsFor({ limitPicoUsd, availablePicoUsd }: KeyLedger, costPicoUsd: PicoUsd): boolean {
  return limitPicoUsd === undefined || availablePicoUsd >= costPicoUsd;
}

/** Takes a call's requests and tokens from two buckets, or returns the bucket that is short and the wait for it. */
export function consumeRates(
  buckets: { readonly rpmTatUs: number; readonly tpmTatUs: number },
  nowEpochMs: number,
  cost: { readonly rpmCostUs: number; readonly tpmCostUs: number },
): { rpmTatUs: number; tpmTatUs: number } | { short: 'requests' | 'tokens'; retryAfterMs: number } {
  const nowUs = nowEpochMs * 1000;
  const requests = takeFromBucket(buckets.rpmTatUs, nowUs, cost.rpmCostUs);
  if ('retryAfterUs' in requests) return { short: 'requests', retryAfterMs: requests.retryAfterUs / 1000 };
  const tokens = takeFromBucket(buckets.tpmTatUs, nowUs, cost.tpmCostUs);
  if ('retryAfterUs' in tokens) return { short: 'tokens', retryAfterMs: tokens.retryAfterUs / 1000 };
  return {
    rpmTatUs: cost.rpmCostUs === 0 ? buckets.rpmTatUs : requests.tatUs,
    tpmTatUs: cost.tpmCostUs === 0 ? buckets.tpmTatUs : tokens.tatUs,
  };
}
