import type { REFUSALS, RefusalReason } from '../../lambda/kernel/refusals.ts';

type Code = RefusalReason | (typeof REFUSALS)[RefusalReason]['code'];

/** What each refusal means, for people; typed, so that a new one cannot be forgotten. */
const DESCRIPTIONS: Readonly<Record<Code, string>> = {
  unknown_url: 'The address is none of the gateway’s',
  method_not_allowed: 'The address does not take this method',
  invalid_api_key: 'The key is missing, unknown, revoked or expired',
  forbidden: 'The key’s role does not reach that far',
  unknown_team: 'The key’s team has no policy any more',
  body_too_large: 'The request’s body is too large',
  request_too_large: 'The request’s body is too large',
  invalid_request: 'The request is not valid',
  key_too_wide: 'A key was asked for that would be wider than its team or maker',
  key_not_found: 'A key was asked about that is not there',
  idempotency_conflict: 'An Idempotency-Key was used twice for different requests',
  model_not_priced: 'The catalog has no price for the model',
  model_not_found: 'There is no such model',
  model_not_allowed: 'The model is not among the team’s',
  model_decommissioned: 'Groq has retired the model',
  tool_not_priced: 'The catalog has no price for the tool',
  max_tokens_exceeded: 'More tokens were asked for than the team may',
  request_exceeds_tpm: 'One request is larger than the team’s tokens a minute',
  groq_headroom_low: 'Groq’s own limits are low, and higher priorities go first',
  organization_paused: 'All teams are paused',
  team_paused: 'The team is paused',
  team_budget_exceeded: 'The team’s budget does not pay the call',
  key_budget_exceeded: 'The key’s own budget does not pay the call',
  organization_budget_exceeded: 'The organisation’s cap does not pay the call',
  concurrency_exceeded: 'Too many calls at once',
  requests_exceeded: 'Too many requests a minute',
  daily_requests_exceeded: 'The team’s requests of the day are used up',
  tokens_exceeded: 'Too many tokens a minute',
  rate_limit_exceeded: 'Over a limit of requests, tokens or calls at once',
  groq_rejected: 'Groq did not take the request',
  groq_rate_limited: 'Groq’s own limits are reached',
  groq_key_missing: 'The team has no Groq key',
  groq_key_rejected: 'Groq does not take the team’s key',
  groq_blocked: 'Groq has blocked the account, perhaps by its spend limit',
  groq_unavailable: 'Groq does not answer',
  groq_answer_lost: 'Groq’s answer was lost on the way',
  gateway_unavailable: 'The gateway’s own store did not answer',
  internal_error: 'The gateway failed',
};

/** What a code means; one that this page does not know speaks for itself. */
export function describeRefusal(code: string): string {
  return Object.hasOwn(DESCRIPTIONS, code) ? DESCRIPTIONS[code as Code] : 'Refused';
}
