import { isObject } from '../../lambda/kernel/json/json-object.ts';
import { type PicoUsd, parseUsd, picoUsd } from '../../lambda/kernel/money.ts';
import type { Period } from '../../lambda/kernel/period.ts';
import type { TokenPrices } from '../../lambda/pricing/token-prices.ts';
import type { MonthLedger } from '../../lambda/reporting/spending-facts.ts';
import type { UsageRow } from '../../lambda/usage/usage.ts';
import { CommandError } from '../command-error.ts';

/** A JSON object of a response. Every parser here throws a CommandError that names a missing or malformed field. */
export type JsonContent = Readonly<Record<string, unknown>>;

const PER_MILLION = 1_000_000n;

/** Parses a row of `GET /openai/v1/usage`. */
export function parseUsageRow(row: JsonContent): UsageRow {
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

/** Parses a team's budget of `GET /openai/v1/budget`. */
export function parseLedger(budget: JsonContent): MonthLedger {
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

/** Parses the organisation's cap, which only an admin's response has. */
export function parseCaps(organization: unknown): ReadonlyMap<Period, PicoUsd> {
  if (!isObject(organization)) return new Map();
  return new Map([[readText(organization, 'period'), readUsd(organization, 'limit_usd')]]);
}

/** Parses a model's prices of `GET /openai/v1/models`; undefined for a model that is not priced by tokens. */
export function parsePrices({ pricing }: JsonContent): TokenPrices | undefined {
  if (!isObject(pricing) || pricing.input_usd_per_million_tokens === undefined) return undefined;
  const price = (field: string) => picoUsd(readUsd(pricing, field) / PER_MILLION);
  return {
    inputTokenPicoUsd: price('input_usd_per_million_tokens'),
    cachedInputTokenPicoUsd: price('cached_input_usd_per_million_tokens'),
    outputTokenPicoUsd: price('output_usd_per_million_tokens'),
  };
}

/** Reads a text field. */
export function readText(content: JsonContent, field: string): string {
  const value = content[field];
  return typeof value === 'string' ? value : throwUnreadable(field);
}

function readCount(content: JsonContent, field: string): number {
  const value = content[field];
  return typeof value === 'number' ? value : throwUnreadable(field);
}

/** Reads a field in dollars; a correction may be negative. */
function readUsd(content: JsonContent, field: string): PicoUsd {
  const text = readText(content, field);
  const amount = parseUsd(text.replace(/^-/, ''));
  if (amount === undefined) return throwUnreadable(field);
  return text.startsWith('-') ? picoUsd(-amount) : amount;
}

function throwUnreadable(field: string): never {
  throw new CommandError(
    `cannot read ${field} in the response; does the endpoint run the same version as this command?`,
  );
}
