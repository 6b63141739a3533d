import { isObject } from '../../lambda/kernel/json-object.ts';
import { type PicoUsd, parseUsd, picoUsd } from '../../lambda/kernel/money.ts';
import { type Day, dayOf, dayStartsAtEpochMs, MS_PER_DAY, type Period, periodOf } from '../../lambda/kernel/period.ts';
import type { TokenPrices } from '../../lambda/pricing/token-prices.ts';
import { addWeeks, daysOfWeek, type IsoWeek } from '../../lambda/reporting/iso-week.ts';
import type { Reading } from '../../lambda/reporting/read-spending.ts';
import type { MonthLedger, SpendingFacts } from '../../lambda/reporting/spending-facts.ts';
import { periodsOfWeek } from '../../lambda/reporting/weekly-report.ts';
import type { UsageRow } from '../../lambda/usage/usage.ts';
import type { AdminClient } from '../admin-client.ts';
import { CommandError } from '../deployment.ts';

type Content = Readonly<Record<string, unknown>>;

/** How many days are asked for at once: an answer of API Gateway's has at most 10 MB. */
const DAYS_AT_ONCE = 28;
const PER_MILLION = 1_000_000n;

/**
 * Reads spending over the endpoint, as far as a key may see it: of one team, or of all. Ledgers are told of the current
 * month only.
 *
 * @throws CommandError for a member's key, which sees one key's usage and would make a report that is not its team's.
 */
export async function readSpendingByKey(
  client: AdminClient,
  weeks: readonly IsoWeek[],
  nowEpochMs: number,
  onDays: Reading,
): Promise<SpendingFacts> {
  const own = await get(client, '/openai/v1/api-keys/me');
  if (own.role === 'member')
    throw new CommandError("a member's key sees its own usage only; export a lead's, a viewer's or an admin's");
  const budgets = await get(client, '/openai/v1/budget');
  const ledgers = (Array.isArray(budgets.data) ? budgets.data.filter(isObject) : [budgets]).map(ledgerOf);
  const { rows, names } = await readRows(client, weeks, nowEpochMs, onDays);
  const teams = new Set([...ledgers.map(({ team }) => team), ...rows.map(({ team }) => team)]);
  return {
    environmentName: client.environmentName,
    teams: [...teams].sort(),
    rows,
    names,
    ledgers,
    periods: new Set(ledgers.map(({ period }) => period)),
    caps: capsOf(budgets.organization),
    prices: await readPrices(client),
    readAtEpochMs: nowEpochMs,
  };
}

async function readRows(client: AdminClient, weeks: readonly IsoWeek[], nowEpochMs: number, onDays: Reading) {
  const days = daysToRead(weeks, nowEpochMs);
  const rows: UsageRow[] = [];
  const names = new Map<string, string>();
  for (let start = 0; start < days.length; start += DAYS_AT_ONCE) {
    const part = days.slice(start, start + DAYS_AT_ONCE);
    const query = { from: part[0], to: part.at(-1), group_by: 'day,team,key,model' };
    const { data } = await client.send({ method: 'GET', path: '/openai/v1/usage', query });
    for (const row of Array.isArray(data) ? data.filter(isObject) : []) {
      rows.push(rowOf(row));
      names.set(textOf(row, 'key_id'), textOf(row, 'key_name'));
    }
    onDays(start + part.length, days.length);
  }
  return { rows, names };
}

/** The weeks, the week before, and all of the current month where it is compared with its ledgers. */
function daysToRead(weeks: readonly IsoWeek[], nowEpochMs: number): readonly Day[] {
  const today = dayOf(nowEpochMs);
  const isNow = weeks.flatMap(periodsOfWeek).includes(periodOf(nowEpochMs));
  const weekBefore = addWeeks(weeks[0] ?? '', -1);
  const wanted = [...daysOfWeek(weekBefore), ...daysOfWeek(weeks.at(-1) ?? '')];
  const all = [...wanted, ...(isNow ? [`${today.slice(0, 7)}-01`, today] : [])].sort();
  const [from, to] = [startOf(all[0]), startOf(all.at(-1))];
  return Array.from({ length: (to - from) / MS_PER_DAY + 1 }, (_, index) => dayOf(from + index * MS_PER_DAY));
}

function startOf(day: Day | undefined): number {
  return dayStartsAtEpochMs(day ?? '') ?? 0;
}

function rowOf(row: Content): UsageRow {
  return {
    team: textOf(row, 'team'),
    day: textOf(row, 'day'),
    keyId: textOf(row, 'key_id'),
    model: textOf(row, 'model'),
    requests: countOf(row, 'requests'),
    promptTokens: countOf(row, 'prompt_tokens'),
    cachedTokens: countOf(row, 'cached_tokens'),
    completionTokens: countOf(row, 'completion_tokens'),
    reasoningTokens: countOf(row, 'reasoning_tokens'),
    upstreamMs: countOf(row, 'upstream_ms'),
    costPicoUsd: usdOf(row, 'cost_usd'),
    assumedPicoUsd: usdOf(row, 'assumed_usd'),
    voided: countOf(row, 'voided_requests'),
    expired: countOf(row, 'expired_requests'),
    refusals: refusalsOf(row.refusals),
  };
}

function refusalsOf(value: unknown): UsageRow['refusals'] {
  if (!isObject(value)) return odd('refusals');
  return Object.fromEntries(Object.keys(value).map((reason) => [reason, countOf(value, reason)]));
}

function ledgerOf(budget: Content): MonthLedger {
  return {
    team: textOf(budget, 'team'),
    period: textOf(budget, 'period'),
    limit: usdOf(budget, 'limit_usd'),
    spent: usdOf(budget, 'spent_usd'),
    held: usdOf(budget, 'held_usd'),
    assumed: usdOf(budget, 'assumed_usd'),
    overrun: usdOf(budget, 'overrun_usd'),
  };
}

function capsOf(organization: unknown): ReadonlyMap<Period, PicoUsd> {
  if (!isObject(organization)) return new Map();
  return new Map([[textOf(organization, 'period'), usdOf(organization, 'limit_usd')]]);
}

async function readPrices(client: AdminClient): Promise<ReadonlyMap<string, TokenPrices>> {
  const { data } = await get(client, '/openai/v1/models');
  const prices = new Map<string, TokenPrices>();
  for (const model of Array.isArray(data) ? data.filter(isObject) : []) {
    const { pricing } = model;
    if (!isObject(pricing) || pricing.input_usd_per_million_tokens === undefined) continue;
    const price = (field: string) => picoUsd(usdOf(pricing, field) / PER_MILLION);
    prices.set(textOf(model, 'id'), {
      inputPicoUsd: price('input_usd_per_million_tokens'),
      cachedInputPicoUsd: price('cached_input_usd_per_million_tokens'),
      outputPicoUsd: price('output_usd_per_million_tokens'),
    });
  }
  return prices;
}

async function get(client: AdminClient, path: string): Promise<Content> {
  return await client.send({ method: 'GET', path });
}

function textOf(content: Content, field: string): string {
  const value = content[field];
  return typeof value === 'string' ? value : odd(field);
}

function countOf(content: Content, field: string): number {
  const value = content[field];
  return typeof value === 'number' ? value : odd(field);
}

/** Dollars as the API writes them; a correction may be below nothing. */
function usdOf(content: Content, field: string): PicoUsd {
  const text = textOf(content, field);
  const amount = parseUsd(text.replace(/^-/, ''));
  if (amount === undefined) return odd(field);
  return text.startsWith('-') ? picoUsd(-amount) : amount;
}

function odd(field: string): never {
  throw new CommandError(`the endpoint's answer has no ${field} that can be read; is it a gateway of this version?`);
}
