import { ORGANIZATION } from '../kernel/holder.ts';
import { addUsd, notNegative, type PicoUsd, picoUsd, subtractUsd, usdText, ZERO_USD } from '../kernel/money.ts';
import { type Day, dayStartsAtEpochMs, daysOf, MS_PER_DAY, type Period, periodOf } from '../kernel/period.ts';
import { usedPercentOf } from '../ledger/budget-standing.ts';
import type { UsageRow } from '../usage/usage.ts';
import { type BurnRate, burnRateOf, pastSpendingOf } from './burn-rate.ts';
import { type AlertLevel, alertLevelOf, type Crossing, crossingName } from './crossings.ts';

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
export function alertOf(environment: string, crossing: Crossing, rows: readonly UsageRow[], nowEpochMs: number): Alert {
  const { holder, period, threshold, spent, limit } = crossing;
  const atEpochMs = momentIn(period, nowEpochMs);
  const rate = burnRateOf(pastSpendingOf(rows, atEpochMs), crossing, atEpochMs);
  const ofMonth = rows.filter(({ day }) => day.startsWith(period));
  const top = (part: 'team' | 'model' | 'keyId') => costliest(ofMonth, part);
  const whatToDo = whatToDoOf(environment, crossing);
  const tops = { topTeam: top('team'), topModel: top('model'), topKey: top('keyId') };
  return {
    alertId: `${environment}/${crossingName(crossing)}`,
    environment,
    holder,
    period,
    threshold,
    level: alertLevelOf(crossing),
    spentUsd: usdText(spent),
    limitUsd: usdText(limit),
    usedPercent: usedPercentOf(crossing),
    burnRateUsdPerDay: usdText(rate.perDayPicoUsd),
    projectedMonthEndUsd: usdText(rate.monthEndPicoUsd),
    projectedExhaustionDay: rate.exhaustionDay ?? null,
    ...tops,
    whatToDo,
    text: textOf(environment, crossing, rate, tops, whatToDo),
  };
}

/** Now, or the last or first moment of a period that is over or to come. */
function momentIn(period: Period, nowEpochMs: number): number {
  const { from, to } = daysOf(period);
  const now = periodOf(nowEpochMs);
  if (now === period) return nowEpochMs;
  return now > period ? (dayStartsAtEpochMs(to) ?? 0) + MS_PER_DAY - 1 : (dayStartsAtEpochMs(from) ?? 0);
}

function costliest(rows: readonly UsageRow[], part: 'team' | 'model' | 'keyId'): string | null {
  const costs = new Map<string, PicoUsd>();
  for (const row of rows) costs.set(row[part], addUsd(costs.get(row[part]) ?? ZERO_USD, row.costPicoUsd));
  const [first] = [...costs].sort(([a, costA], [b, costB]) =>
    costA === costB ? (a < b ? -1 : 1) : costA > costB ? -1 : 1,
  );
  return first === undefined || first[1] <= 0n ? null : first[0];
}

function whatToDoOf(environment: string, { holder, threshold, spent, limit }: Crossing): string {
  const isAll = holder === ORGANIZATION;
  const whose = `--env ${environment} ${isAll ? '--all' : `--team ${holder}`}`;
  const runbook = `Runbook: ${RUNBOOK}#${threshold.startsWith('$') ? 'organization-spend' : isAll ? 'organization-budget' : 'team-budget'}.`;
  const topUp = `npx groq-rbac budget top-up ${whose} --usd 50 --until 2d --reason ...`;
  if (spent >= limit) return `Nothing more is let through this month. To give more: ${topUp}. ${runbook}`;
  const left = `${dollars(notNegative(subtractUsd(limit, spent)))} are left.`;
  if (!threshold.startsWith('$') && Number(threshold.slice(0, -1)) >= 95)
    return `${left} Then every call is refused with 402. To give more: ${topUp}; to stop now: npx groq-rbac budget pause ${whose} --reason ... ${runbook}`;
  return `${left} If this was not planned, see who spends it: npx groq-rbac budget show --env ${environment}${isAll ? '' : ` --team ${holder}`}, and GET /openai/v1/usage?group_by=${isAll ? 'team,' : ''}key,model. ${runbook}`;
}

function textOf(
  environment: string,
  { holder, period, threshold, spent, limit }: Crossing,
  { perDayPicoUsd, monthEndPicoUsd, exhaustionDay }: BurnRate,
  { topTeam, topModel, topKey }: Pick<Alert, 'topTeam' | 'topModel' | 'topKey'>,
  whatToDo: string,
): string {
  const isAll = holder === ORGANIZATION;
  const who = isAll ? 'All teams together' : `Team ${holder}`;
  const share = usedPercentOf({ spent, limit }).toFixed(1);
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
    `${who} ${isAll ? 'have' : 'has'} spent ${dollars(spent)} of ${dollars(limit)} in ${period} (${share} %).`,
    `At ${dollars(perDayPicoUsd)} a day, as lately, the budget ${end}, and the month comes to ${dollars(monthEndPicoUsd)}.`,
    ...most,
    whatToDo,
  ].join(' ');
}

/** Dollars as people read them: to the cent, and below one to six decimals. */
function dollars(amount: PicoUsd): string {
  if (amount > -100n * CENT && amount < 100n * CENT) return `$${usdText(picoUsd((amount / 1_000_000n) * 1_000_000n))}`;
  const [whole, cents = ''] = usdText(picoUsd((amount / CENT) * CENT)).split('.');
  return `$${whole}${cents === '' ? '' : `.${cents.padEnd(2, '0')}`}`;
}
