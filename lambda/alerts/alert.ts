import { addUsd, clampToZero, type PicoUsd, picoUsd, subtractUsd, toUsdString, ZERO_USD } from '../kernel/money.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import { type Day, dayStartEpochMs, MS_PER_DAY, type Period, periodAt, periodDayRange } from '../kernel/period.ts';
import { computeUsedPercent } from '../ledger/budget-snapshot.ts';
import type { UsageRow } from '../usage/usage.ts';
import { type BurnRate, calculateBurnRate, sumPastSpending } from './burn-rate.ts';
import { type AlertLevel, alertLevel, crossingId, type ThresholdCrossing } from './crossings.ts';

/** All that is told of a crossing: plain values, for programs and people. Dollars are exact decimal text. */
export type Alert = {
  /** The same whenever the same crossing is told, so that whoever gets it twice can tell. */
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
  /** The day on which the limit is reached at that rate; null: not in this month. */
  readonly projectedExhaustionDay: Day | null;
  /** By their cost this month; null where nothing has been counted yet. */
  readonly topTeam: string | null;
  readonly topModel: string | null;
  /** A key's id. */
  readonly topKey: string | null;
  readonly whatToDo: string;
  /**
   * All of it in plain words: one line without quotes and backslashes, since EventBridge sends a text on as it would stand
   * in JSON.
   */
  readonly text: string;
};

/** Where people read what an alert means. */
const RUNBOOK = 'docs/operations.md';
const CENT = 10_000_000_000n;

/** Makes the alert of a crossing; `rows` are the usage of all that the holder spends by, of its month and the week before. */
export function buildAlert(
  environment: string,
  crossing: ThresholdCrossing,
  rows: readonly UsageRow[],
  nowEpochMs: number,
): Alert {
  const { holder, period, threshold, spentPicoUsd, limitPicoUsd } = crossing;
  const atEpochMs = clampToPeriod(period, nowEpochMs);
  const rate = calculateBurnRate(sumPastSpending(rows, atEpochMs), crossing, atEpochMs);
  const ofMonth = rows.filter(({ day }) => day.startsWith(period));
  const top = (part: 'team' | 'model' | 'keyId') => costliest(ofMonth, part);
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

/** Now, or the last or first moment of a period that is over or to come. */
function clampToPeriod(period: Period, nowEpochMs: number): number {
  const { from, to } = periodDayRange(period);
  const now = periodAt(nowEpochMs);
  if (now === period) return nowEpochMs;
  return now > period ? (dayStartEpochMs(to) ?? 0) + MS_PER_DAY - 1 : (dayStartEpochMs(from) ?? 0);
}

function costliest(rows: readonly UsageRow[], part: 'team' | 'model' | 'keyId'): string | null {
  const costs = new Map<string, PicoUsd>();
  for (const row of rows) costs.set(row[part], addUsd(costs.get(row[part]) ?? ZERO_USD, row.costPicoUsd));
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
  const whose = `--env ${environment} ${isAll ? '--all' : `--team ${holder}`}`;
  const runbook = `Runbook: ${RUNBOOK}#${threshold.startsWith('$') ? 'organization-spend' : isAll ? 'organization-budget' : 'team-budget'}.`;
  const topUp = `npx groq-rbac budget top-up ${whose} --usd 50 --until 2d --reason ...`;
  if (spentPicoUsd >= limitPicoUsd) return `Nothing more is let through this month. To give more: ${topUp}. ${runbook}`;
  const left = `${dollars(clampToZero(subtractUsd(limitPicoUsd, spentPicoUsd)))} are left.`;
  if (!threshold.startsWith('$') && Number(threshold.slice(0, -1)) >= 95)
    return `${left} Then every call is refused with 402. To give more: ${topUp}; to stop now: npx groq-rbac budget pause ${whose} --reason ... ${runbook}`;
  return `${left} If this was not planned, see who spends it: npx groq-rbac budget show --env ${environment}${isAll ? '' : ` --team ${holder}`}, and GET /openai/v1/usage?group_by=${isAll ? 'team,' : ''}key,model. ${runbook}`;
}

function alertText(
  environment: string,
  { holder, period, threshold, spentPicoUsd, limitPicoUsd }: ThresholdCrossing,
  { dailySpentPicoUsd, projectedPicoUsd, exhaustionDay }: BurnRate,
  { topTeam, topModel, topKey }: Pick<Alert, 'topTeam' | 'topModel' | 'topKey'>,
  whatToDo: string,
): string {
  const isAll = holder === ORGANIZATION;
  const who = isAll ? 'All teams together' : `Team ${holder}`;
  const share = computeUsedPercent({ spentPicoUsd, limitPicoUsd }).toFixed(1);
  const passed = threshold.startsWith('$') ? threshold : `${threshold.slice(0, -1)} %`;
  const end = exhaustionDay === undefined ? 'lasts to the end of the month' : `is used up on ${exhaustionDay}`;
  const most =
    topModel === null || topKey === null
      ? []
      : [
          `Most of it went to the model ${topModel}, and by the key ${topKey}${isAll ? `; of the teams, to ${topTeam}` : ''}.`,
        ];
  return [
    `Groq gateway ${environment}: ${passed} passed.`,
    `${who} ${isAll ? 'have' : 'has'} spent ${dollars(spentPicoUsd)} of ${dollars(limitPicoUsd)} in ${period} (${share} %).`,
    `At ${dollars(dailySpentPicoUsd)} a day, as lately, the budget ${end}, and the month comes to ${dollars(projectedPicoUsd)}.`,
    ...most,
    whatToDo,
  ].join(' ');
}

/** Dollars as people read them: to the cent, and below one to six decimals. */
function dollars(amount: PicoUsd): string {
  if (amount > -100n * CENT && amount < 100n * CENT)
    return `$${toUsdString(picoUsd((amount / 1_000_000n) * 1_000_000n))}`;
  const [whole, cents = ''] = toUsdString(picoUsd((amount / CENT) * CENT)).split('.');
  return `$${whole}${cents === '' ? '' : `.${cents.padEnd(2, '0')}`}`;
}
