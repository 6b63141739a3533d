import { notNegative, usdText } from '../kernel/money.ts';
import { periodResetAt } from '../kernel/period.ts';
import { bucketLevel } from '../kernel/rate-limit.ts';
import type { LedgerView } from '../ledger/reservation.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { CallFacts } from './govern.ts';

/** The response headers that tell a caller its team's limits, its budget, and what the call cost. */
export function callHeaders(policy: TeamPolicy, facts: CallFacts, nowEpochMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  if (facts.view !== undefined) {
    Object.assign(headers, rateHeaders(policy, facts.view, nowEpochMs), budgetHeaders(facts.view, nowEpochMs));
  }
  if (facts.costPicoUsd !== undefined) headers['x-request-cost-usd'] = usdText(facts.costPicoUsd);
  if (facts.replacedModel !== undefined) headers['x-model-replaced'] = facts.replacedModel;
  if (facts.chosenMaxTokens !== undefined) headers['x-max-completion-tokens'] = String(facts.chosenMaxTokens);
  if (facts.clampedFromTokens !== undefined)
    headers['x-max-completion-tokens-stated'] = String(facts.clampedFromTokens);
  return headers;
}

function budgetHeaders(view: LedgerView, nowEpochMs: number): Record<string, string> {
  return {
    'x-budget-limit-usd': usdText(view.limit),
    'x-budget-remaining-usd': usdText(notNegative(view.available)),
    'x-budget-reset': periodResetAt(nowEpochMs),
  };
}

function rateHeaders(policy: TeamPolicy, view: LedgerView, nowEpochMs: number): Record<string, string> {
  const buckets = [
    { name: 'requests', perMinute: policy.rateLimitRpm, tatUs: view.rpmTatUs },
    { name: 'tokens', perMinute: policy.rateLimitTpm, tatUs: view.tpmTatUs },
  ];
  const headers: Record<string, string> = {};
  for (const { name, perMinute, tatUs } of buckets) {
    if (perMinute === null) continue;
    const { remaining, fullInMs } = bucketLevel(tatUs, nowEpochMs * 1000, perMinute);
    headers[`x-ratelimit-limit-${name}`] = String(perMinute);
    headers[`x-ratelimit-remaining-${name}`] = String(remaining);
    headers[`x-ratelimit-reset-${name}`] = `${fullInMs / 1000}s`;
  }
  return headers;
}
