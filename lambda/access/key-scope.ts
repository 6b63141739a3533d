import * as v from 'valibot';
import { ENDPOINTS } from '../contract.ts';
import { picoUsdFromNumber } from '../kernel/money.ts';
import { rateCostUs } from '../kernel/rate-limit.ts';
import type { KeyTerms } from '../ledger/key-ledger.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000_000));

/** How a scope is stored and passed from the authorizer: as JSON text of short fields. */
const scopeSchema = v.object({
  models: v.optional(v.array(v.string())),
  endpoints: v.optional(v.array(v.picklist(ENDPOINTS))),
  rpm: v.optional(count),
  tpm: v.optional(count),
  usd: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1e9))),
  /** The first key that this one was rotated from: its limits are that one's. */
  line: v.optional(v.string()),
});

/** What a key narrows of what its team may do; what is absent is as the team's. */
export type KeyScope = v.InferOutput<typeof scopeSchema>;

/**
 * Reads a scope.
 *
 * @throws Error for what is no scope: a key must never be taken for wider than it is.
 */
export function parseScope(text: string): KeyScope {
  const parsed = v.safeParse(scopeSchema, JSON.parse(text));
  if (!parsed.success) throw new Error('a key has a scope that cannot be read');
  return parsed.output;
}

/** What a call takes from its key's own limits, or undefined for a key that has none. */
export function keyLimitsFor(keyId: string, scope: KeyScope, tokens: number): KeyTerms | undefined {
  const { rpm = null, tpm = null, usd, line = keyId } = scope;
  if (rpm === null && tpm === null && usd === undefined) return undefined;
  return {
    id: line,
    limitPicoUsd: usd === undefined ? undefined : picoUsdFromNumber(usd),
    rpmCostUs: rateCostUs(1, rpm),
    tpmCostUs: rateCostUs(tokens, tpm),
  };
}
