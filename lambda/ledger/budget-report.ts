import { addUsd, type PicoUsd, usdText, ZERO_USD } from '../kernel/money.ts';
import { periodOf, periodResetAt, utcText } from '../kernel/period.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { openLedger } from './ledger.ts';
import { type OrganizationLedger, openOrganization } from './organization-ledger.ts';
import { isInForce } from './pause.ts';
import type { LedgerState, LedgerView } from './reservation.ts';
import { endTopUps, type TopUp } from './top-ups.ts';

/** The cap of all teams together in the shape of `GET /openai/v1/budget`, for a key of the organisation. */
export function reportOrganization(
  capPicoUsd: PicoUsd,
  seen: OrganizationLedger | undefined,
  teams: readonly (LedgerView | undefined)[],
  nowEpochMs: number,
) {
  const state = endTopUps(seen ?? openOrganization(capPicoUsd), nowEpochMs);
  const sum = (part: (view: LedgerView) => PicoUsd) =>
    addUsd(...teams.map((view) => (view === undefined ? ZERO_USD : part(view))));
  const leased = sum((view) => view.leased);
  return {
    object: 'budget',
    period: periodOf(nowEpochMs),
    resets_at: periodResetAt(nowEpochMs),
    limit_usd: usdText(state.limit),
    spent_usd: usdText(sum((view) => view.spent)),
    held_usd: usdText(sum((view) => view.reserved)),
    /** What teams can still spend together: drawn by none, or drawn and idle, so that others can have it back. */
    available_usd: usdText(addUsd(state.available, leased)),
    leased_usd: usdText(leased),
    top_ups: reportTopUps(state.topUps),
  };
}

/**
 * A team's budget in the shape of `GET /openai/v1/budget`; dollars are exact decimal text. A period without a call yet
 * has its whole budget.
 */
export function reportBudget(policy: TeamPolicy, seen: LedgerState | undefined, nowEpochMs: number) {
  const view = endTopUps(seen ?? openLedger(policy.monthlyBudgetPicoUsd), nowEpochMs);
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
    paused: reportPause(view, nowEpochMs),
    top_ups: reportTopUps(view.topUps),
    limits: {
      requests_per_minute: policy.rateLimitRpm,
      tokens_per_minute: policy.rateLimitTpm,
      max_tokens_per_request: policy.maxTokensPerRequest,
      max_concurrent: policy.maxConcurrent,
    },
  };
}

function reportPause({ pauses }: Pick<LedgerState, 'pauses'>, nowEpochMs: number) {
  for (const [scope, pause] of [
    ['organization', pauses.organization],
    ['team', pauses.team],
  ] as const) {
    if (!isInForce(pause, nowEpochMs)) continue;
    return {
      scope,
      reason: pause.reason,
      until: pause.untilEpochMs === undefined ? null : utcText(pause.untilEpochMs),
    };
  }
  return null;
}

/** Temporary increases that the limit has in it. */
function reportTopUps(topUps: ReadonlyMap<string, TopUp>) {
  return [...topUps.values()].map(({ amountPicoUsd, untilEpochMs }) => ({
    usd: usdText(amountPicoUsd),
    until: utcText(untilEpochMs),
  }));
}
