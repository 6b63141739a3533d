import type { TeamPolicy } from './environment.ts';
import { type LedgerView, openLedger } from './ledger.ts';
import { usdText } from './money.ts';
import { periodOf, periodResetAt } from './period.ts';

/**
 * A team's budget in the shape of `GET /openai/v1/budget`; dollars are exact decimal text. A period without a call yet
 * has its whole budget.
 */
export function reportBudget(policy: TeamPolicy, seen: LedgerView | undefined, nowEpochMs: number): object {
  const view = seen ?? openLedger(policy.monthlyBudgetPicoUsd);
  return {
    object: 'budget',
    team: policy.team,
    period: periodOf(nowEpochMs),
    resets_at: periodResetAt(nowEpochMs),
    limit_usd: usdText(view.limit),
    spent_usd: usdText(view.spent),
    /** Held by requests in flight: what of it they do not use comes back. */
    held_usd: usdText(view.reserved),
    available_usd: usdText(view.available),
    assumed_usd: usdText(view.assumed),
    overrun_usd: usdText(view.overrun),
    limits: {
      requests_per_minute: policy.rateLimitRpm,
      tokens_per_minute: policy.rateLimitTpm,
      max_tokens_per_request: policy.maxTokensPerRequest,
      max_concurrent: policy.maxConcurrent,
    },
  };
}
