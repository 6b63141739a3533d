import { addUsd, type PicoUsd, parseUsd, toUsdString, ZERO_USD } from '../../lambda/kernel/money.ts';
import { type Day, dayAt, MS_PER_DAY } from '../../lambda/kernel/period.ts';
import type { UsageRow } from './api-types.ts';

/** How many days are shown, today included; as many before them are compared with. */
export const DAYS = 7;
/** How many teams or models have a colour of their own; the rest is one. */
const SERIES = 5;

/** One team's or model's part of the days. */
export type Series = {
  readonly name: string;
  /** Of each day, in dollars. */
  readonly costUsd: readonly string[];
  readonly totalUsd: string;
  readonly requests: number;
  readonly tokens: number;
};

/** What is shown of seven days. */
export type Week = {
  readonly days: readonly Day[];
  /** The dearest first; the last may be all others together. */
  readonly series: readonly Series[];
  readonly totalUsd: string;
  readonly dayTotalsUsd: readonly string[];
  /** Of as many days before. */
  readonly previousUsd: string;
};

/** The days that are asked for: those that are shown, and as many before. */
export function comparedDays(nowEpochMs: number): { readonly from: Day; readonly to: Day } {
  return { from: dayAt(nowEpochMs - (2 * DAYS - 1) * MS_PER_DAY), to: dayAt(nowEpochMs) };
}

/** Splits the usage of the days up to `today` by team or model. */
export function summarizeWeek(rows: readonly UsageRow[], group: 'team' | 'model', nowEpochMs: number): Week {
  const days = Array.from({ length: DAYS }, (_, index) => dayAt(nowEpochMs - (DAYS - 1 - index) * MS_PER_DAY));
  const [first = ''] = days;
  const shown = rows.filter(({ day }) => day >= first);
  // A row of refusals alone has nothing to draw.
  const called = shown.filter(({ requests, cost_usd }) => requests > 0 || cost_usd !== '0');
  const names = [...new Set(called.map((row) => row[group] ?? ''))];
  const costOf = new Map(names.map((name) => [name, sum(shown.filter((row) => row[group] === name))]));
  const dearest = names.sort((a, b) => compare(costOf.get(b), costOf.get(a)) || (a < b ? -1 : 1));
  // One that would be alone in the rest has its own name as well.
  const own = dearest.length <= SERIES + 1 ? dearest : dearest.slice(0, SERIES);
  const rest = dearest.slice(own.length);
  const parts = own.map((name) => ({ name, rows: shown.filter((row) => row[group] === name) }));
  if (rest.length > 0)
    parts.push({ name: `${rest.length} others`, rows: shown.filter((row) => rest.includes(row[group] ?? '')) });
  return {
    days,
    series: parts.map((part) => buildSeries(part.name, part.rows, days)),
    totalUsd: toUsdString(sum(shown)),
    dayTotalsUsd: days.map((day) => toUsdString(sum(shown.filter((row) => row.day === day)))),
    previousUsd: toUsdString(sum(rows.filter(({ day }) => day < first))),
  };
}

/** How the days compare with as many before, in a few words. */
export function describeChange({ totalUsd, previousUsd }: Week): string {
  const [total, before] = [Number(totalUsd), Number(previousUsd)];
  if (before === 0) return 'nothing in the seven days before';
  const change = Math.round((total / before - 1) * 100);
  if (change === 0) return 'as much as in the seven days before';
  // Beyond some tenfold, a percentage tells nothing any more.
  if (change >= 1_000) return `${Math.round(total / before)} times the seven days before`;
  return `${change > 0 ? '+' : '−'}${Math.abs(change)}% on the seven days before`;
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
