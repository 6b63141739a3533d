import { clampToZero, toUsdString } from '../kernel/money.ts';
import { formatUtc, periodResetAt } from '../kernel/period.ts';
import { INVALID_KEY_MESSAGE, type Refusal, refuse } from '../kernel/refusals.ts';
import type { LedgerView, ReserveRefusal } from '../ledger/reservation.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { BoundedCall } from './bounded-call.ts';

/** Says why a ledger could not reserve, with the limit and the way out; money held is told apart from money spent. */
export function explainReserveRefusal(
  policy: TeamPolicy,
  call: BoundedCall,
  refused: ReserveRefusal,
  view: LedgerView,
  nowEpochMs: number,
): Refusal {
  const team = `Team "${policy.team}"`;
  const cost = toUsdString(call.maxCostPicoUsd);
  if ('why' in refused) {
    const who = refused.reason === 'team_paused' ? team : 'The gateway, for all teams,';
    const until = refused.untilEpochMs === undefined ? '' : ` until ${formatUtc(refused.untilEpochMs)}`;
    return refuse(
      refused.reason,
      `${who} is paused${until}: ${refused.why}. Nothing was sent to Groq. An administrator can resume it.`,
    );
  }
  if (refused.reason === 'key_revoked') return refuse('invalid_api_key', INVALID_KEY_MESSAGE);
  if (refused.reason === 'key_budget_exceeded') {
    return refuse(
      'key_budget_exceeded',
      `This key has $${toUsdString(clampToZero(refused.availablePicoUsd))} left of its own monthly limit of $${toUsdString(refused.limitPicoUsd)}, and this request may cost up to $${cost}. The limit resets at ${periodResetAt(nowEpochMs)}; ask for a key with a higher one, or lower max_completion_tokens.`,
    );
  }
  if (refused.reason === 'team_budget_exceeded') {
    const held =
      view.reservedPicoUsd > 0n ? `, $${toUsdString(view.reservedPicoUsd)} is held by requests in flight` : '';
    return refuse(
      'team_budget_exceeded',
      `${team} has spent $${toUsdString(view.spentPicoUsd)} of its monthly budget of $${toUsdString(view.limitPicoUsd)}${held}, $${toUsdString(clampToZero(view.availablePicoUsd))} is left, and this request may cost up to $${cost}. The budget resets at ${periodResetAt(nowEpochMs)}; ask an administrator to raise it, or lower max_completion_tokens.`,
    );
  }
  if (refused.reason === 'organization_budget_exceeded') {
    const held =
      refused.reservedPicoUsd > 0n ? ` and $${toUsdString(refused.reservedPicoUsd)} is held by requests in flight` : '';
    return refuse(
      'organization_budget_exceeded',
      `The organisation's monthly cap of $${toUsdString(refused.limitPicoUsd)} is used up for all teams: $${toUsdString(clampToZero(refused.availablePicoUsd))} is left${held}, and this request may cost up to $${cost}. It resets at ${periodResetAt(nowEpochMs)}; ask an administrator to raise it, or lower max_completion_tokens.`,
    );
  }
  const retryAfterMs = Math.max(1, Math.ceil(refused.retryAfterMs));
  const after = `Try again in ${retryAfterMs / 1000} s.`;
  switch (refused.reason) {
    case 'concurrency_exceeded':
      return refuse(refused.reason, `${team} has ${policy.maxConcurrent} requests in flight, its limit. ${after}`, {
        retryAfterMs,
      });
    case 'key_requests_exceeded':
    case 'key_tokens_exceeded': {
      const unit = refused.reason === 'key_requests_exceeded' ? 'requests' : 'tokens';
      return refuse(`${unit}_exceeded`, `This key has reached its own limit of ${unit} a minute. ${after}`, {
        retryAfterMs,
      });
    }
    case 'requests_exceeded':
      return refuse(
        refused.reason,
        `${team} has reached its limit of ${policy.rateLimitRpm} requests a minute. ${after}`,
        { retryAfterMs },
      );
    case 'tokens_exceeded':
      return refuse(
        refused.reason,
        `${team} has reached its limit of ${policy.rateLimitTpm} tokens a minute, counting what requests in flight may use. ${after}`,
        { retryAfterMs },
      );
  }
}
