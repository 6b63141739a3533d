import { isObject } from '../../lambda/kernel/json-object.ts';
import { type PicoUsd, parseUsd, picoUsd } from '../../lambda/kernel/money.ts';
import { type Day, dayAt, dayStartEpochMs, MS_PER_DAY, type Period, periodAt } from '../../lambda/kernel/period.ts';
import type { TokenPrices } from '../../lambda/pricing/token-prices.ts';
import { addWeeks, daysOfWeek, type IsoWeek, periodsOfWeek } from '../../lambda/reporting/iso-week.ts';
import type { ProgressCallback } from '../../lambda/reporting/read-spending.ts';
import type { MonthLedger, SpendingFacts } from '../../lambda/reporting/spending-facts.ts';
import type { UsageRow } from '../../lambda/usage/usage.ts';
import type { AdminClient } from '../admin-client.ts';
import { CommandError } from '../command-error.ts';

type JsonContent = Readonly<Record<string, unknown>>;

/** How many days are asked for at once: an answer of API Gateway's has at most 10 MB. */
const DAYS_PER_REQUEST = 28;
const PER_MILLION = 1_000_000n;

/**
 * Reads spending over the endpoint, as far as a key may see it: of one team, or of all. Ledgers are told of the current
 * month only.
 *
 * @throws CommandError for a member's key, which sees one key's usage and would make a report that is not its team's.
 */
export async function readSpendingOverHttp(
  client: AdminClient,
  weeks: readonly IsoWeek[],
  nowEpochMs: number,
  onDays: ProgressCallback,
): Promise<SpendingFacts> {
  const own = await get(client, '/openai/v1/api-keys/me');
  if (own.role === 'member')
    throw new CommandError("a member's key sees its own usage only; export a lead's, a viewer's or an admin's");
  const budgets = await get(client, '/openai/v1/budget');
  const ledgers = (Array.isArray(budgets.data) ? budgets.data.filter(isObject) : [budgets]).map(parseLedger);
  const { rows, names } = await readRows(client, weeks, nowEpochMs, onDays);
  const teams = new Set([...ledgers.map(({ team }) => team), ...rows.map(({ team }) => team)]);
  return {
    environmentName: client.environmentName,
    teams: [...teams].sort(),
    rows,
    names,
    ledgers,
    periods: new Set(ledgers.map(({ period }) => period)),
    caps: parseCaps(budgets.organization),
    prices: await readPrices(client),
    readAtEpochMs: nowEpochMs,
  };
}

async function readRows(client: AdminClient, weeks: readonly IsoWeek[], nowEpochMs: number, onDays: ProgressCallback) {
  const days = daysToRead(weeks, nowEpochMs);
  const rows: UsageRow[] = [];
  const names = new Map<string, string>();
  for (let start = 0; start < days.length; start += DAYS_PER_REQUEST) {
    const part = days.slice(start, start + DAYS_PER_REQUEST);
    const query = { from: part[0], to: part.at(-1), group_by: 'day,team,key,model' };
    const { data } = await client.send({ method: 'GET', path: '/openai/v1/usage', query });
    for (const row of Array.isArray(data) ? data.filter(isObject) : []) {
      rows.push(parseUsageRow(row));
      names.set(readText(row, 'key_id'), readText(row, 'key_name'));
    }
    onDays(start + part.length, days.length);
  }
  return { rows, names };
}

/** The weeks, the week before, and all of the current month where it is compared with its ledgers. */
function daysToRead(weeks: readonly IsoWeek[], nowEpochMs: number): readonly Day[] {
  const today = dayAt(nowEpochMs);
  const isNow = weeks.flatMap(periodsOfWeek).includes(periodAt(nowEpochMs));
  const weekBefore = addWeeks(weeks[0] ?? '', -1);
  const wanted = [...daysOfWeek(weekBefore), ...daysOfWeek(weeks.at(-1) ?? '')];
  const all = [...wanted, ...(isNow ? [`${today.slice(0, 7)}-01`, today] : [])].sort();
  const [from, to] = [dayStartMs(all[0]), dayStartMs(all.at(-1))];
  return Array.from({ length: (to - from) / MS_PER_DAY + 1 }, (_, index) => dayAt(from + index * MS_PER_DAY));
}

function dayStartMs(day: Day | undefined): number {
  return dayStartEpochMs(day ?? '') ?? 0;
}

function parseUsageRow(row: JsonContent): UsageRow {
  return {
    team: readText(row, 'team'),
    day: readText(row, 'day'),
    keyId: readText(row, 'key_id'),
    model: readText(row, 'model'),
    requests: readCount(row, 'requests'),
    promptTokens: readCount(row, 'prompt_tokens'),
    cachedTokens: readCount(row, 'cached_tokens'),
    completionTokens: readCount(row, 'completion_tokens'),
    reasoningTokens: readCount(row, 'reasoning_tokens'),
    upstreamMs: readCount(row, 'upstream_ms'),
    costPicoUsd: readUsd(row, 'cost_usd'),
    assumedPicoUsd: readUsd(row, 'assumed_usd'),
    voided: readCount(row, 'voided_requests'),
    expired: readCount(row, 'expired_requests'),
    refusals: parseRefusals(row.refusals),
  };
}

function parseRefusals(value: unknown): UsageRow['refusals'] {
  if (!isObject(value)) return throwUnreadable('refusals');
  return Object.fromEntries(Object.keys(value).map((reason) => [reason, readCount(value, reason)]));
}

function parseLedger(budget: JsonContent): MonthLedger {
  return {
    team: readText(budget, 'team'),
    period: readText(budget, 'period'),
    limitPicoUsd: readUsd(budget, 'limit_usd'),
    spentPicoUsd: readUsd(budget, 'spent_usd'),
    reservedPicoUsd: readUsd(budget, 'held_usd'),
    assumedPicoUsd: readUsd(budget, 'assumed_usd'),
    overrunPicoUsd: readUsd(budget, 'overrun_usd'),
  };
}

function parseCaps(organization: unknown): ReadonlyMap<Period, PicoUsd> {
  if (!isObject(organization)) return new Map();
  return new Map([[readText(organization, 'period'), readUsd(organization, 'limit_usd')]]);
}

async function readPrices(client: AdminClient): Promise<ReadonlyMap<string, TokenPrices>> {
  const { data } = await get(client, '/openai/v1/models');
  const prices = new Map<string, TokenPrices>();
  for (const model of Array.isArray(data) ? data.filter(isObject) : []) {
    const { pricing } = model;
    if (!isObject(pricing) || pricing.input_usd_per_million_tokens === undefined) continue;
    const price = (field: string) => picoUsd(readUsd(pricing, field) / PER_MILLION);
    prices.set(readText(model, 'id'), {
      inputTokenPicoUsd: price('input_usd_per_million_tokens'),
      cachedInputTokenPicoUsd: price('cached_input_usd_per_million_tokens'),
      outputTokenPicoUsd: price('output_usd_per_million_tokens'),
    });
  }
  return prices;
}

async function get(client: AdminClient, path: string): Promise<JsonContent> {
  return await client.send({ method: 'GET', path });
}

function readText(content: JsonContent, field: string): string {
  const value = content[field];
  return typeof value === 'string' ? value : throwUnreadable(field);
}

function readCount(content: JsonContent, field: string): number {
  const value = content[field];
  return typeof value === 'number' ? value : throwUnreadable(field);
}

/** Dollars as the API writes them; a correction may be below nothing. */
function readUsd(content: JsonContent, field: string): PicoUsd {
  const text = readText(content, field);
  const amount = parseUsd(text.replace(/^-/, ''));
  if (amount === undefined) return throwUnreadable(field);
  return text.startsWith('-') ? picoUsd(-amount) : amount;
}

function throwUnreadable(field: string): never {
  throw new CommandError(`the endpoint's answer has no ${field} that can be read; is it a gateway of this version?`);
}
