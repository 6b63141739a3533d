import type { TeamPolicy } from './environment.ts';
import { type LedgerView, openLedger } from './ledger.ts';
import { addUsd, type PicoUsd, usdText, ZERO_USD } from './money.ts';
import { type OrganizationLedger, openOrganization } from './organization-ledger.ts';
import { periodOf, periodResetAt } from './period.ts';

/** The cap of all teams together in the shape of `GET /openai/v1/budget`, for a key of the organisation. */
export function reportOrganization(
  capPicoUsd: PicoUsd,
  seen: OrganizationLedger | undefined,
  teams: readonly (LedgerView | undefined)[],
  nowEpochMs: number,
): object {
  const state = seen ?? openOrganization(capPicoUsd);
  const sum = (part: (view: LedgerView) => PicoUsd) =>
    addUsd(...teams.map((view) => (view === undefined ? ZERO_USD : part(view))));
  return {
    object: 'budget',
    period: periodOf(nowEpochMs),
    resets_at: periodResetAt(nowEpochMs),
    limit_usd: usdText(state.limit),
    spent_usd: usdText(sum((view) => view.spent)),
    held_usd: usdText(sum((view) => view.reserved)),
    /** Drawn by teams and neither held nor spent: other teams can have it back. */
    leased_usd: usdText(sum((view) => view.leased)),
    available_usd: usdText(state.available),
  };
}

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
