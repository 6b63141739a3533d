import * as v from 'valibot';
import { ENDPOINTS } from '../contract.ts';
import { picoUsdFromNumber } from '../kernel/money.ts';
import { rateCostUs } from '../kernel/rate-limit.ts';
import type { KeyTerms } from '../ledger/key-ledger.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000_000));

/** Schema of a scope's JSON, which is stored with the key and passed on by the authorizer. */
const scopeSchema = v.object({
  models: v.optional(v.array(v.string())),
  endpoints: v.optional(v.array(v.picklist(ENDPOINTS))),
  rpm: v.optional(count),
  tpm: v.optional(count),
  usd: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1e9))),
  /** Id of the first key in the chain of rotations; all keys of a chain share its limits. */
  line: v.optional(v.string()),
});

/** Restrictions of a key within its team's policy. An absent field adds no restriction. */
export type KeyScope = v.InferOutput<typeof scopeSchema>;

/**
 * Parses a scope's JSON text.
 *
 * @throws Error for invalid text, so that a key never gets more permissions than it has.
 */
export function parseScope(text: string): KeyScope {
  const parsed = v.safeParse(scopeSchema, JSON.parse(text));
  if (!parsed.success) throw new Error('a key has a scope that cannot be read');
  return parsed.output;
}

/** Returns what a call consumes of its key's own limits, or undefined for a key without limits. */
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
