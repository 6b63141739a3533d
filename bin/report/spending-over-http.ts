import { isObject } from '../../lambda/kernel/json/json-object.ts';
import { type Day, dayAt, dayStartEpochMs, MS_PER_DAY, periodAt } from '../../lambda/kernel/period.ts';
import type { TokenPrices } from '../../lambda/pricing/token-prices.ts';
import { addWeeks, daysOfWeek, type IsoWeek, periodsOfWeek } from '../../lambda/reporting/iso-week.ts';
import type { ProgressCallback } from '../../lambda/reporting/read-spending.ts';
import type { SpendingFacts } from '../../lambda/reporting/spending-facts.ts';
import type { UsageRow } from '../../lambda/usage/usage.ts';
import type { AdminClient } from '../admin-client.ts';
import { CommandError } from '../command-error.ts';
import { type JsonContent, parseCaps, parseLedger, parsePrices, parseUsageRow, readText } from './usage-responses.ts';

/** Days per request: API Gateway limits a response to 10 MB. */
const DAYS_PER_REQUEST = 28;

/**
 * Reads spending over the endpoint, of one team or of all, as the key allows. Ledgers are available for the current month
 * only.
 *
 * @throws CommandError for a member's key, which sees its own usage only, not its team's.
 */
export async function readSpendingOverHttp(
  client: AdminClient,
  weeks: readonly IsoWeek[],
  nowEpochMs: number,
  onDays: ProgressCallback,
): Promise<SpendingFacts> {
  const identity = await get(client, '/openai/v1/api-keys/me');
  if (identity.role === 'member')
    throw new CommandError('the key of a member sees its own usage only; use the key of a lead, a viewer or an admin');
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
    const batch = days.slice(start, start + DAYS_PER_REQUEST);
    const query = { from: batch[0], to: batch.at(-1), group_by: 'day,team,key,model' };
    const { data } = await client.send({ method: 'GET', path: '/openai/v1/usage', query });
    for (const row of Array.isArray(data) ? data.filter(isObject) : []) {
      rows.push(parseUsageRow(row));
      names.set(readText(row, 'key_id'), readText(row, 'key_name'));
    }
    onDays(start + batch.length, days.length);
  }
  return { rows, names };
}

/** The days of the weeks, of the week before, and of the whole current month when it is compared with its ledgers. */
function daysToRead(weeks: readonly IsoWeek[], nowEpochMs: number): readonly Day[] {
  const today = dayAt(nowEpochMs);
  const hasCurrentMonth = weeks.flatMap(periodsOfWeek).includes(periodAt(nowEpochMs));
  const weekBefore = addWeeks(weeks[0] ?? '', -1);
  const wanted = [...daysOfWeek(weekBefore), ...daysOfWeek(weeks.at(-1) ?? '')];
  const all = [...wanted, ...(hasCurrentMonth ? [`${today.slice(0, 7)}-01`, today] : [])].sort();
  const [from, to] = [dayStartMs(all[0]), dayStartMs(all.at(-1))];
  return Array.from({ length: (to - from) / MS_PER_DAY + 1 }, (_, index) => dayAt(from + index * MS_PER_DAY));
}

function dayStartMs(day: Day | undefined): number {
  return dayStartEpochMs(day ?? '') ?? 0;
}

async function readPrices(client: AdminClient): Promise<ReadonlyMap<string, TokenPrices>> {
  const { data } = await get(client, '/openai/v1/models');
  const prices = new Map<string, TokenPrices>();
  for (const model of Array.isArray(data) ? data.filter(isObject) : []) {
    const price = parsePrices(model);
    if (price !== undefined) prices.set(readText(model, 'id'), price);
  }
  return prices;
}

async function get(client: AdminClient, path: string): Promise<JsonContent> {
  return await client.send({ method: 'GET', path });
}
