import { addUsd, type PicoUsd, parseUsd, toUsdString, ZERO_USD } from '../../lambda/kernel/money.ts';
import { type Day, dayAt, MS_PER_DAY } from '../../lambda/kernel/period.ts';
import type { UsageRow } from './api-types.ts';

/** Number of days shown, including today. They are compared with as many days before. */
export const DAYS = 7;
/** Maximum number of series with a colour of their own; all others are combined. */
const MAX_SERIES = 5;

/** Usage of a team or model by day. */
export type Series = {
  readonly name: string;
  /** Cost of each day. */
  readonly costUsd: readonly string[];
  readonly totalUsd: string;
  readonly requests: number;
  readonly tokens: number;
};

/** Usage of seven days. */
export type Week = {
  readonly days: readonly Day[];
  /** Highest cost first; the last series may combine all others. */
  readonly series: readonly Series[];
  readonly totalUsd: string;
  readonly dayTotalsUsd: readonly string[];
  /** Total of the seven days before. */
  readonly previousUsd: string;
};

/** The days to fetch: those that are shown, and as many before. */
export function comparedDays(nowEpochMs: number): { readonly from: Day; readonly to: Day } {
  return { from: dayAt(nowEpochMs - (2 * DAYS - 1) * MS_PER_DAY), to: dayAt(nowEpochMs) };
}

/** Groups the usage of the last seven days by team or model. */
export function summarizeWeek(rows: readonly UsageRow[], group: 'team' | 'model', nowEpochMs: number): Week {
  const days = Array.from({ length: DAYS }, (_, index) => dayAt(nowEpochMs - (DAYS - 1 - index) * MS_PER_DAY));
  const [first = ''] = days;
  const shown = rows.filter(({ day }) => day >= first);
  // A row that only counts refusals has nothing to draw.
  const called = shown.filter(({ requests, cost_usd }) => requests > 0 || cost_usd !== '0');
  const names = [...new Set(called.map((row) => row[group] ?? ''))];
  const costs = new Map(names.map((name) => [name, sum(shown.filter((row) => row[group] === name))]));
  const ranked = names.sort((a, b) => compare(costs.get(b), costs.get(a)) || (a < b ? -1 : 1));
  // A single remaining series is not combined.
  const own = ranked.length <= MAX_SERIES + 1 ? ranked : ranked.slice(0, MAX_SERIES);
  const others = ranked.slice(own.length);
  const parts = own.map((name) => ({ name, rows: shown.filter((row) => row[group] === name) }));
  if (others.length > 0)
    parts.push({ name: `${others.length} others`, rows: shown.filter((row) => others.includes(row[group] ?? '')) });
  return {
    days,
    series: parts.map((part) => buildSeries(part.name, part.rows, days)),
    totalUsd: toUsdString(sum(shown)),
    dayTotalsUsd: days.map((day) => toUsdString(sum(shown.filter((row) => row.day === day)))),
    previousUsd: toUsdString(sum(rows.filter(({ day }) => day < first))),
  };
}

/** Describes the change from the seven days before. */
export function describeChange({ totalUsd, previousUsd }: Week): string {
  const [total, before] = [Number(totalUsd), Number(previousUsd)];
  if (before === 0) return 'nothing in the seven days before';
  const change = Math.round((total / before - 1) * 100);
  if (change === 0) return 'same as the seven days before';
  // A very large percentage is hard to grasp.
  if (change >= 1_000) return `${Math.round(total / before)} times the seven days before`;
  return `${change > 0 ? '+' : '−'}${Math.abs(change)}% compared with the seven days before`;
}

function buildSeries(name: string, rows: readonly UsageRow[], days: readonly Day[]): Series {
  return {
    name,
    costUsd: days.map((day) => toUsdString(sum(rows.filter((row) => row.day === day)))),
    totalUsd: toUsdString(sum(rows)),
    requests: rows.reduce((total, row) => total + row.requests, 0),
    tokens: rows.reduce((total, row) => total + row.prompt_tokens + row.completion_tokens, 0),
  };
}

function sum(rows: readonly UsageRow[]): PicoUsd {
  return addUsd(...rows.map(({ cost_usd }) => parseUsd(cost_usd) ?? ZERO_USD));
}

function compare(a: PicoUsd = ZERO_USD, b: PicoUsd = ZERO_USD): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
