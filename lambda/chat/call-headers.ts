import { clampToZero, toUsdString } from '../kernel/money.ts';
import { periodResetAt } from '../kernel/period.ts';
import { bucketLevel } from '../kernel/rate-limit.ts';
import type { LedgerView } from '../ledger/reservation.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { CallMetadata } from './chat-completion.ts';

/** The response headers with the team's limits and budget, and the cost of the call. */
export function callHeaders(policy: TeamPolicy, metadata: CallMetadata, nowEpochMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  if (metadata.view !== undefined) {
    Object.assign(headers, rateHeaders(policy, metadata.view, nowEpochMs), budgetHeaders(metadata.view, nowEpochMs));
  }
  if (metadata.costPicoUsd !== undefined) headers['x-request-cost-usd'] = toUsdString(metadata.costPicoUsd);
  if (metadata.replacedModel !== undefined) headers['x-model-replaced'] = metadata.replacedModel;
  if (metadata.appliedMaxTokens !== undefined) headers['x-max-completion-tokens'] = String(metadata.appliedMaxTokens);
  if (metadata.clampedFromTokens !== undefined)
    headers['x-max-completion-tokens-stated'] = String(metadata.clampedFromTokens);
  return headers;
}

function budgetHeaders(view: LedgerView, nowEpochMs: number): Record<string, string> {
  return {
    'x-budget-limit-usd': toUsdString(view.limitPicoUsd),
    'x-budget-remaining-usd': toUsdString(clampToZero(view.availablePicoUsd)),
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
    const { remaining, resetAfterMs } = bucketLevel(tatUs, nowEpochMs * 1000, perMinute);
    headers[`x-ratelimit-limit-${name}`] = String(perMinute);
    headers[`x-ratelimit-remaining-${name}`] = String(remaining);
    headers[`x-ratelimit-reset-${name}`] = `${resetAfterMs / 1000}s`;
  }
  return headers;
}
