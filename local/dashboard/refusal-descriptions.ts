import type { REFUSALS, RefusalReason } from '../../lambda/kernel/refusals.ts';

type Code = RefusalReason | (typeof REFUSALS)[RefusalReason]['code'];

/** Descriptions of refusals by code. The type requires one for every code. */
const DESCRIPTIONS: Readonly<Record<Code, string>> = {
  unknown_url: 'The gateway has no such endpoint',
  method_not_allowed: 'The endpoint does not support this method',
  invalid_api_key: 'The key is missing, unknown, revoked or expired',
  forbidden: 'The key’s role lacks the permission',
  unknown_team: 'The key’s team no longer has a policy',
  body_too_large: 'The request’s body is too large',
  request_too_large: 'The request’s body is too large',
  invalid_request: 'The request is not valid',
  key_too_wide: 'The requested key would have more permissions than its team or creator',
  key_not_found: 'There is no such key',
  idempotency_conflict: 'An Idempotency-Key was used twice for different requests',
  model_not_priced: 'The catalog has no price for the model',
  model_not_found: 'There is no such model',
  model_not_allowed: 'The team may not use the model',
  model_decommissioned: 'Groq has retired the model',
  tool_not_priced: 'The catalog has no price for the tool',
  max_tokens_exceeded: 'More tokens requested than the team’s maximum',
  request_exceeds_tpm: 'The request is larger than the team’s limit of tokens per minute',
  groq_headroom_low: 'Groq’s own limits are nearly used up, and higher priorities go first',
  organization_paused: 'All teams are paused',
  team_paused: 'The team is paused',
  team_budget_exceeded: 'The team’s budget is too low for the call',
  key_budget_exceeded: 'The key’s own budget is too low for the call',
  organization_budget_exceeded: 'The organisation’s cap is too low for the call',
  concurrency_exceeded: 'Too many concurrent calls',
  requests_exceeded: 'Too many requests per minute',
  daily_requests_exceeded: 'The team’s daily requests are used up',
  tokens_exceeded: 'Too many tokens per minute',
  rate_limit_exceeded: 'Over a limit of requests, tokens or concurrent calls',
  groq_rejected: 'Groq rejected the request',
  groq_rate_limited: 'Groq’s own limits are reached',
  groq_key_missing: 'The team has no Groq key',
  groq_key_rejected: 'Groq rejects the team’s key',
  groq_blocked: 'Groq has blocked the account, possibly by its spend limit',
  groq_unavailable: 'Groq does not respond',
  groq_answer_lost: 'Groq’s response was lost',
  gateway_unavailable: 'The gateway’s database is unavailable',
  internal_error: 'The gateway failed',
};

/** Describes a code; `Refused` for one that this page does not know. */
export function describeRefusal(code: string): string {
  return Object.hasOwn(DESCRIPTIONS, code) ? DESCRIPTIONS[code as Code] : 'Refused';
}
