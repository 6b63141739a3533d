import { addUsd, clampToZero, type PicoUsd, picoUsd, subtractUsd, toUsdString, ZERO_USD } from '../kernel/money.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import { type Day, dayStartEpochMs, MS_PER_DAY, type Period, periodAt, periodDayRange } from '../kernel/period.ts';
import { computeUsedPercent } from '../ledger/budget-snapshot.ts';
import type { UsageRow } from '../usage/usage.ts';
import { type BurnRate, calculateBurnRate, sumPastSpending } from './burn-rate.ts';
import { type AlertLevel, alertLevel, crossingId, type ThresholdCrossing } from './crossings.ts';

/** An alert of a crossed threshold, for programs and people. Dollars are exact decimal strings. */
export type Alert = {
  /** Idempotency key: a redelivered alert has the same id. */
  readonly alertId: string;
  readonly environment: string;
  /** A team, or `ORGANIZATION`. */
  readonly holder: string;
  readonly period: Period;
  /** `80%`, or `$250`. */
  readonly threshold: string;
  readonly level: AlertLevel;
  readonly spentUsd: string;
  readonly limitUsd: string;
  readonly usedPercent: number;
  readonly burnRateUsdPerDay: string;
  readonly projectedMonthEndUsd: string;
  /** The day on which the limit is reached at the burn rate; null if not in this month. */
  readonly projectedExhaustionDay: Day | null;
  /** The team, model and key with the highest cost this month; null if usage is empty so far. */
  readonly topTeam: string | null;
  readonly topModel: string | null;
  /** The key's id. */
  readonly topKey: string | null;
  readonly whatToDo: string;
  /**
   * The alert in prose. It is one line without quotes and backslashes, because an EventBridge target receives it in its JSON
   * encoding.
   */
  readonly text: string;
};

/** The runbook that alerts link to. */
const RUNBOOK = 'docs/operations.md';
const CENT = 10_000_000_000n;

/** Builds the alert of a crossing. `rows` are the holder's usage of the month and the week before. */
export function buildAlert(
  environment: string,
  crossing: ThresholdCrossing,
  rows: readonly UsageRow[],
  nowEpochMs: number,
): Alert {
  const { holder, period, threshold, spentPicoUsd, limitPicoUsd } = crossing;
  const atEpochMs = clampToPeriod(period, nowEpochMs);
  const rate = calculateBurnRate(sumPastSpending(rows, atEpochMs), crossing, atEpochMs);
  const monthRows = rows.filter(({ day }) => day.startsWith(period));
  const top = (field: 'team' | 'model' | 'keyId') => findCostliest(monthRows, field);
  const whatToDo = remediationFor(environment, crossing);
  const tops = { topTeam: top('team'), topModel: top('model'), topKey: top('keyId') };
  return {
    alertId: `${environment}/${crossingId(crossing)}`,
    environment,
    holder,
    period,
    threshold,
    level: alertLevel(crossing),
    spentUsd: toUsdString(spentPicoUsd),
    limitUsd: toUsdString(limitPicoUsd),
    usedPercent: computeUsedPercent(crossing),
    burnRateUsdPerDay: toUsdString(rate.dailySpentPicoUsd),
    projectedMonthEndUsd: toUsdString(rate.projectedPicoUsd),
    projectedExhaustionDay: rate.exhaustionDay ?? null,
    ...tops,
    whatToDo,
    text: alertText(environment, crossing, rate, tops, whatToDo),
  };
}

/** Limits a time to a period: its last millisecond if the period is over, its first if it has not begun. */
function clampToPeriod(period: Period, nowEpochMs: number): number {
  const { from, to } = periodDayRange(period);
  const now = periodAt(nowEpochMs);
  if (now === period) return nowEpochMs;
  return now > period ? (dayStartEpochMs(to) ?? 0) + MS_PER_DAY - 1 : (dayStartEpochMs(from) ?? 0);
}

function findCostliest(rows: readonly UsageRow[], field: 'team' | 'model' | 'keyId'): string | null {
  const costs = new Map<string, PicoUsd>();
  for (const row of rows) costs.set(row[field], addUsd(costs.get(row[field]) ?? ZERO_USD, row.costPicoUsd));
  const [first] = [...costs].sort(([a, costA], [b, costB]) =>
    costA === costB ? (a < b ? -1 : 1) : costA > costB ? -1 : 1,
  );
  return first === undefined || first[1] <= 0n ? null : first[0];
}

function remediationFor(
  environment: string,
  { holder, threshold, spentPicoUsd, limitPicoUsd }: ThresholdCrossing,
): string {
  const isAll = holder === ORGANIZATION;
  const target = `--env ${environment} ${isAll ? '--all' : `--team ${holder}`}`;
  const runbook = `Runbook: ${RUNBOOK}#${threshold.startsWith('$') ? 'organization-spend' : isAll ? 'organization-budget' : 'team-budget'}.`;
  const topUp = `npx groq-rbac budget top-up ${target} --usd 50 --until 2d --reason ...`;
  if (spentPicoUsd >= limitPicoUsd)
    return `Every call is refused with 402 until the end of the month. To raise the budget: ${topUp}. ${runbook}`;
  const left = `${formatDollars(clampToZero(subtractUsd(limitPicoUsd, spentPicoUsd)))} are left.`;
  if (!threshold.startsWith('$') && Number(threshold.slice(0, -1)) >= 95)
    return `${left} After that, every call is refused with 402. To raise the budget: ${topUp}; to stop spending now: npx groq-rbac budget pause ${target} --reason ... ${runbook}`;
  return `${left} If this is unexpected, find out who spends it: npx groq-rbac budget show --env ${environment}${isAll ? '' : ` --team ${holder}`}, and GET /openai/v1/usage?group_by=${isAll ? 'team,' : ''}key,model. ${runbook}`;
}

function alertText(
  environment: string,
  { holder, period, threshold, spentPicoUsd, limitPicoUsd }: ThresholdCrossing,
  { dailySpentPicoUsd, projectedPicoUsd, exhaustionDay }: BurnRate,
  { topTeam, topModel, topKey }: Pick<Alert, 'topTeam' | 'topModel' | 'topKey'>,
  whatToDo: string,
): string {
  const isAll = holder === ORGANIZATION;
  const spender = isAll ? 'All teams together' : `Team ${holder}`;
  const share = computeUsedPercent({ spentPicoUsd, limitPicoUsd }).toFixed(1);
  const passed = threshold.startsWith('$') ? threshold : `${threshold.slice(0, -1)} %`;
  const end = exhaustionDay === undefined ? 'lasts to the end of the month' : `is used up on ${exhaustionDay}`;
  const topSpenders =
    topModel === null || topKey === null
      ? []
      : [`Highest cost: model ${topModel}, key ${topKey}${isAll ? `, team ${topTeam}` : ''}.`];
  return [
    `Groq gateway ${environment}: ${passed} passed.`,
    `${spender} ${isAll ? 'have' : 'has'} spent ${formatDollars(spentPicoUsd)} of ${formatDollars(limitPicoUsd)} in ${period} (${share} %).`,
    `At the recent rate of ${formatDollars(dailySpentPicoUsd)} a day, the budget ${end}, and the month costs ${formatDollars(projectedPicoUsd)}.`,
    ...topSpenders,
    whatToDo,
  ].join(' ');
}

/** Formats dollars to the cent, and amounts below $1 with six decimals. */
function formatDollars(amount: PicoUsd): string {
  if (amount > -100n * CENT && amount < 100n * CENT)
    return `$${toUsdString(picoUsd((amount / 1_000_000n) * 1_000_000n))}`;
  const [whole, cents = ''] = toUsdString(picoUsd((amount / CENT) * CENT)).split('.');
  return `$${whole}${cents === '' ? '' : `.${cents.padEnd(2, '0')}`}`;
}
