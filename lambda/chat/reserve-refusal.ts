import { clampToZero, type PicoUsd, toUsdString } from '../kernel/money.ts';
import { formatUtc, periodResetAt } from '../kernel/period.ts';
import { INVALID_KEY_MESSAGE, type Refusal, refuse } from '../kernel/refusals.ts';
import type { LedgerView, ReserveRefusal } from '../ledger/reservation.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { BudgetRefusal } from './budget-balance.ts';
import type { BoundedCall } from './request/bounded-call.ts';

type RateRefusal = Extract<ReserveRefusal, { retryAfterMs: number }>;

/** The client's refusal for a ledger's: with the limit, the amounts and the way out. Reserved and spent money are separate. */
export function explainReserveRefusal(
  policy: TeamPolicy,
  call: BoundedCall,
  refused: ReserveRefusal,
  view: LedgerView,
  nowEpochMs: number,
): Refusal {
  if ('why' in refused) {
    const owner = refused.reason === 'team_paused' ? `Team "${policy.team}"` : 'The gateway, for all teams,';
    const until = refused.untilEpochMs === undefined ? '' : ` until ${formatUtc(refused.untilEpochMs)}`;
    const message = `${owner} is paused${until}: ${refused.why}. Nothing was sent to Groq. An administrator can resume it.`;
    return refuse(refused.reason, message);
  }
  if (refused.reason === 'key_revoked') return refuse('invalid_api_key', INVALID_KEY_MESSAGE);
  if ('reclaimablePicoUsd' in refused)
    return refuse(refused.reason, explainBudget(policy, call, refused, view, periodResetAt(nowEpochMs)));
  const retryAfterMs = Math.max(1, Math.ceil(refused.retryAfterMs));
  const { reason, limit } = explainRate(policy, refused);
  return refuse(reason, `${limit}. Try again in ${retryAfterMs / 1000} s.`, { retryAfterMs });
}

function explainBudget(
  { team }: TeamPolicy,
  call: BoundedCall,
  refused: BudgetRefusal,
  view: LedgerView,
  resetAt: string,
): string {
  const usd = (amount: PicoUsd) => `$${toUsdString(amount)}`;
  const left = (amount: PicoUsd) => usd(clampToZero(amount));
  const heldText = (reserved: PicoUsd) => `${usd(reserved)} is held by requests in flight`;
  const cost = `this request may cost up to ${usd(call.maxCostPicoUsd)}`;
  switch (refused.reason) {
    case 'key_budget_exceeded':
      return `This key has ${left(refused.availablePicoUsd)} left of its own monthly limit of ${usd(refused.limitPicoUsd)}, and ${cost}. The limit resets at ${resetAt}; ask for a key with a higher one, or lower max_completion_tokens.`;
    case 'team_budget_exceeded': {
      const held = view.reservedPicoUsd > 0n ? `, ${heldText(view.reservedPicoUsd)}` : '';
      return `Team "${team}" has spent ${usd(view.spentPicoUsd)} of its monthly budget of ${usd(view.limitPicoUsd)}${held}, ${left(view.availablePicoUsd)} is left, and ${cost}. The budget resets at ${resetAt}; ask an administrator to raise it, or lower max_completion_tokens.`;
    }
    case 'organization_budget_exceeded': {
      const held = refused.reservedPicoUsd > 0n ? ` and ${heldText(refused.reservedPicoUsd)}` : '';
      return `The organisation's monthly cap of ${usd(refused.limitPicoUsd)} is used up for all teams: ${left(refused.availablePicoUsd)} is left${held}, and ${cost}. It resets at ${resetAt}; ask an administrator to raise it, or lower max_completion_tokens.`;
    }
  }
}

function explainRate(
  { team, maxConcurrent, rateLimitRpm, rateLimitTpm }: TeamPolicy,
  { reason, inFlight }: RateRefusal,
): { readonly reason: 'concurrency_exceeded' | 'requests_exceeded' | 'tokens_exceeded'; readonly limit: string } {
  switch (reason) {
    case 'concurrency_exceeded':
      return { reason, limit: explainConcurrency(team, maxConcurrent, inFlight) };
    case 'requests_exceeded':
      return { reason, limit: `Team "${team}" has reached its limit of ${rateLimitRpm} requests a minute` };
    case 'tokens_exceeded':
      return {
        reason,
        limit: `Team "${team}" has reached its limit of ${rateLimitTpm} tokens a minute, counting what requests in flight may use`,
      };
    case 'key_requests_exceeded':
      return { reason: 'requests_exceeded', limit: 'This key has reached its own limit of requests a minute' };
    case 'key_tokens_exceeded':
      return { reason: 'tokens_exceeded', limit: 'This key has reached its own limit of tokens a minute' };
  }
}

/** An old call may hang, or its process may have died; it ends by itself, at the latest 15 s after its deadline. */
function explainConcurrency(team: string, maxConcurrent: number, inFlight: RateRefusal['inFlight']): string {
  const limit = `Team "${team}" has ${inFlight?.calls ?? maxConcurrent} requests in flight, and its limit is ${maxConcurrent}`;
  return inFlight === undefined ? limit : `${limit}; the oldest started at ${formatUtc(inFlight.oldestSinceEpochMs)}`;
}
