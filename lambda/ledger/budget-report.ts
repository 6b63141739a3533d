import { addUsd, type PicoUsd, toUsdString, ZERO_USD } from '../kernel/money.ts';
import { formatUtc, periodAt, periodResetAt } from '../kernel/period.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { openLedger } from './ledger.ts';
import { type OrganizationLedger, openOrganizationLedger } from './organization-ledger.ts';
import { isInForce } from './pause.ts';
import type { LedgerState, LedgerView } from './reservation.ts';
import { expireTopUps, type TopUp } from './top-ups.ts';

/** Renders the organisation's cap as the response of `GET /openai/v1/budget`, for a key of the organisation. */
export function reportOrganizationBudget(
  organizationLimitPicoUsd: PicoUsd,
  ledger: OrganizationLedger | undefined,
  teams: readonly (LedgerView | undefined)[],
  nowEpochMs: number,
) {
  const state = expireTopUps(ledger ?? openOrganizationLedger(organizationLimitPicoUsd), nowEpochMs);
  const sum = (amount: (view: LedgerView) => PicoUsd) =>
    addUsd(...teams.map((view) => (view === undefined ? ZERO_USD : amount(view))));
  const leasedPicoUsd = sum((view) => view.leasedPicoUsd);
  return {
    object: 'budget',
    period: periodAt(nowEpochMs),
    resets_at: periodResetAt(nowEpochMs),
    limit_usd: toUsdString(state.limitPicoUsd),
    spent_usd: toUsdString(sum((view) => view.spentPicoUsd)),
    held_usd: toUsdString(sum((view) => view.reservedPicoUsd)),
    /** The money that no team has drawn, and the idle money that teams can recall from each other. */
    available_usd: toUsdString(addUsd(state.availablePicoUsd, leasedPicoUsd)),
    leased_usd: toUsdString(leasedPicoUsd),
    top_ups: reportTopUps(state.topUps),
  };
}

/**
 * Renders a team's budget as the response of `GET /openai/v1/budget`; dollars are exact decimal text. Without a ledger,
 * the period has its whole budget.
 */
export function reportBudget(policy: TeamPolicy, ledger: LedgerState | undefined, nowEpochMs: number) {
  const view = expireTopUps(ledger ?? openLedger(policy.monthlyBudgetPicoUsd), nowEpochMs);
  return {
    object: 'budget',
    team: policy.team,
    period: periodAt(nowEpochMs),
    resets_at: periodResetAt(nowEpochMs),
    limit_usd: toUsdString(view.limitPicoUsd),
    spent_usd: toUsdString(view.spentPicoUsd),
    /** Reserved by requests in flight; the unused part is released. */
    held_usd: toUsdString(view.reservedPicoUsd),
    available_usd: toUsdString(view.availablePicoUsd),
    assumed_usd: toUsdString(view.assumedPicoUsd),
    overrun_usd: toUsdString(view.overrunPicoUsd),
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
      until: pause.untilEpochMs === undefined ? null : formatUtc(pause.untilEpochMs),
    };
  }
  return null;
}

/** Renders the temporary increases that the limit includes. */
function reportTopUps(topUps: ReadonlyMap<string, TopUp>) {
  return [...topUps.values()].map(({ amountPicoUsd, untilEpochMs }) => ({
    usd: toUsdString(amountPicoUsd),
    until: formatUtc(untilEpochMs),
  }));
}
