import { type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import { takeFromBucket } from '../kernel/rate-limit.ts';

/** What a call takes from the limits that its key has of its own, within the team's. */
export type KeyTerms = {
  /** Whose limits: the key's, or those of the first key that it was rotated from, so that rotating doubles nothing. */
  readonly id: string;
  /** Of a period; undefined: the team's only. */
  readonly limitPicoUsd: PicoUsd | undefined;
  /** See rateCostUs; 0 when the key has no such limit. */
  readonly rpmCostUs: number;
  readonly tpmCostUs: number;
};

/** A key's share of its team's ledger for a period. */
export type KeyLedger = {
  /** Undefined: none of its own. */
  readonly limitPicoUsd: PicoUsd | undefined;
  /** Not held and not spent; without a limit it means nothing. */
  readonly availablePicoUsd: PicoUsd;
  readonly rpmTatUs: number;
  readonly tpmTatUs: number;
};

/** A key's share as a period begins for it. */
export function openKeyLedger(limitPicoUsd: PicoUsd | undefined): KeyLedger {
  return { limitPicoUsd, availablePicoUsd: limitPicoUsd ?? ZERO_USD, rpmTatUs: 0, tpmTatUs: 0 };
}

/** Whether a key's own money pays a cost. */
export function hasFundsFor({ limitPicoUsd, availablePicoUsd }: KeyLedger, costPicoUsd: PicoUsd): boolean {
  return limitPicoUsd === undefined || availablePicoUsd >= costPicoUsd;
}

/** Takes a call's requests and tokens from two buckets, or says which is short, and for how long. */
export function consumeRates(
  seen: { readonly rpmTatUs: number; readonly tpmTatUs: number },
  nowEpochMs: number,
  cost: { readonly rpmCostUs: number; readonly tpmCostUs: number },
): { rpmTatUs: number; tpmTatUs: number } | { short: 'requests' | 'tokens'; retryAfterMs: number } {
  const nowUs = nowEpochMs * 1000;
  const requests = takeFromBucket(seen.rpmTatUs, nowUs, cost.rpmCostUs);
  if ('retryAfterUs' in requests) return { short: 'requests', retryAfterMs: requests.retryAfterUs / 1000 };
  const tokens = takeFromBucket(seen.tpmTatUs, nowUs, cost.tpmCostUs);
  if ('retryAfterUs' in tokens) return { short: 'tokens', retryAfterMs: tokens.retryAfterUs / 1000 };
  return {
    rpmTatUs: cost.rpmCostUs === 0 ? seen.rpmTatUs : requests.tatUs,
    tpmTatUs: cost.tpmCostUs === 0 ? seen.tpmTatUs : tokens.tatUs,
  };
}
