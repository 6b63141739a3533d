import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { RecentOutputs } from '../../../lambda/chat/recent-outputs.ts';
import { GatewayRequestRecorder } from '../../../lambda/chat/request-recorder.ts';
import { SORT_KEY } from '../../../lambda/contract.ts';
import { Headroom } from '../../../lambda/groq/headroom.ts';
import type { TracedUpstreamResponse } from '../../../lambda/groq/upstream.ts';
import { systemClock } from '../../../lambda/kernel/io/system.ts';
import { refuse } from '../../../lambda/kernel/refusals.ts';
import { DynamoLedger } from '../../../lambda/ledger/io/dynamo-ledger.ts';
import { DynamoRefusals } from '../../../lambda/usage/io/refusal-item.ts';
import { ensureTable } from '../../../local/dynamodb/tables.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { chatEvent, invoke, NO_OP_USAGE_PORTS } from '../../support/gateway/gateway-in-process.ts';
import { startTestDatabase, type TestDatabase } from '../../support/ledger/test-database.ts';

const { createGatewayHandler } = await import('../../../lambda/http/io/gateway-handler.ts');

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('ledger');
});
afterAll(async () => await database.close());

const groqKeys = { usedId: 'g2', refusedIds: ['g1'] };
const usage = {
  prompt_tokens: 10,
  completion_tokens: 5,
  total_tokens: 15,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
};
const bodyWith = (of: unknown) => JSON.stringify({ choices: [], usage: of });
const whole: TracedUpstreamResponse = { kind: 'complete', body: bodyWith(usage), headers: {}, groqKeys };
const encode = (data: unknown) => new TextEncoder().encode(`data: ${JSON.stringify(data)}\n\n`);

type Group = {
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string }[];
};
type Line = { readonly _aws: { readonly CloudWatchMetrics: readonly Group[] }; readonly [name: string]: unknown };
let lines: Line[];
let tables = 0;
beforeEach(() => {
  lines = [];
});

async function gatewayOf(
  answer: () => TracedUpstreamResponse,
  more: { write?: () => never; policy?: object; nowEpochMs?: () => number } = {},
) {
  const table = `watched-${tables++}`;
  await ensureTable(database.client, table);
  const { nowEpochMs = systemClock.nowEpochMs } = more;
  const ports = { clock: { ...systemClock, nowEpochMs }, newId: () => crypto.randomUUID(), log: () => {} };
  return createGatewayHandler({
    ...NO_OP_USAGE_PORTS,
    ...ports,
    recorder: new GatewayRequestRecorder({
      ...ports,
      // Of which no second passes, however busy the machine is.
      clock: { nowEpochMs, monotonicMs: () => 0 },
      store: new DynamoRefusals(database.client, table, nowEpochMs),
      write: more.write ?? ((line) => lines.push(JSON.parse(line))),
      environmentName: 'test',
    }),
    ledger: new DynamoLedger(database.client, table, nowEpochMs),
    upstream: { chat: async () => answer() },
    outputs: new RecentOutputs(),
    headroom: new Headroom(),
    policies: {
      policies: async () => ({
        teams: new Map([['chatbot', policyWith({ rateLimitTpm: null, ...more.policy })]]),
        catalog,
      }),
    },
  });
}

/** The dimensions that a metric is split by, each as one text. */
const splitsOf = (line: Line | undefined, name: string) =>
  (line?._aws.CloudWatchMetrics ?? [])
    .filter(({ Metrics }) => Metrics.some(({ Name }) => Name === name))
    .map(({ Dimensions }) => Dimensions.map((by) => by.join(' ')).join(' and '));

it('writes one line of metrics for a call, exact beside the floats, and splits few of them', async () => {
  const gateway = await gatewayOf(() => whole);
  const { headers } = await invoke(gateway, chatEvent({}));
  expect(lines).toHaveLength(1);
  const [line] = lines;
  expect(line).toMatchObject({
    Environment: 'test',
    Team: 'chatbot',
    Model: 'openai/gpt-oss-20b',
    Requests: 1,
    PromptTokens: 10,
    CachedTokens: 4,
    CompletionTokens: 5,
    ReasoningTokens: 2,
    GroqKeysRefused: 1,
    groqKeyId: 'g2',
    CostUsd: Number(headers['x-request-cost-usd']),
    costPicoUsd: String(Math.round(Number(headers['x-request-cost-usd']) * 1e12)),
    assumedPicoUsd: '0',
    keyId: 'key1',
  });
  expect(splitsOf(line, 'Requests')).toEqual(['Environment', 'Environment Team']);
  expect(splitsOf(line, 'BudgetUsedPercent')).toEqual(['Environment Team']);
  expect(splitsOf(line, 'PromptTokens')).toEqual(['Environment Model']);
  expect(splitsOf(line, 'GatewayMs')).toEqual(['Environment']);
  expect(line).not.toHaveProperty('Refusals');
  expect(JSON.stringify(line).length).toBeLessThan(1_400);
});

it("tells nothing of last month's budget when a call ends in the next, whose alarms have cleared", async () => {
  let atEpochMs = Date.parse('2026-11-30T23:59:58Z');
  const answer = () => {
    atEpochMs += 5_000;
    return whole;
  };
  const gateway = await gatewayOf(answer, { nowEpochMs: () => atEpochMs });
  await invoke(gateway, chatEvent({}));
  await invoke(gateway, chatEvent({}));
  expect(splitsOf(lines[0], 'BudgetUsedPercent')).toEqual([]);
  expect(splitsOf(lines[0], 'CostUsd')).toEqual(['Environment', 'Environment Team']);
  expect(splitsOf(lines[1], 'BudgetUsedPercent')).toEqual(['Environment Team']);
});

it('tells of a stream once it has ended, with the time to its first token', async () => {
  const gateway = await gatewayOf(() => ({
    kind: 'stream',
    headers: {},
    events: (async function* () {
      yield encode({ choices: [{ delta: { role: 'assistant', content: '' } }] });
      await new Promise((resolve) => setTimeout(resolve, 25));
      yield encode({ choices: [{ delta: { content: 'Hello' } }] });
      expect(lines).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 25));
      yield encode({ choices: [], usage });
    })(),
  }));
  await invoke(gateway, chatEvent({ stream: true }));
  expect(lines).toHaveLength(1);
  const [line] = lines;
  expect(line?.TimeToFirstTokenMs).toBeGreaterThanOrEqual(24);
  expect(line?.UpstreamMs).toBeGreaterThanOrEqual(48);
  expect(line).toMatchObject({ PromptTokens: 10, Requests: 1 });
});

it.each([
  ['used nothing', bodyWith({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 })],
  ['told no usage', bodyWith(undefined)],
])('tells of a success that %s, and what was assumed of it', async (_what, body) => {
  const gateway = await gatewayOf(() => ({ kind: 'complete', body, headers: {} }));
  await invoke(gateway, chatEvent({}));
  expect(lines[0]).toMatchObject({ ZeroCostSuccesses: 1 });
  expect(Number(lines[0]?.AssumedCostUsd)).toBeGreaterThan(0);
  expect(lines[0]?.assumedPicoUsd).toBe(lines[0]?.costPicoUsd);
  expect(lines[0]).not.toHaveProperty('PromptTokens');
});

it.each([
  ['groq_blocked', { GroqBlocked: 1 }],
  ['groq_key_missing', { GroqKeysMissing: 1 }],
  ['groq_key_rejected', { GroqKeysRefused: 1 }],
] as const)('tells of %s, and tallies nothing of what the ledger tells already', async (reason, metrics) => {
  const gateway = await gatewayOf(() => ({ kind: 'rejected', refusal: refuse(reason, 'no') }));
  await invoke(gateway, chatEvent({}));
  database.sent.clear();
  await invoke(gateway, chatEvent({}));
  expect(lines[1]).toMatchObject({ ...metrics, Refusals: 1, Code: reason, costPicoUsd: '0' });
  expect(Object.fromEntries(database.sent)).toEqual({ UpdateItemCommand: 2 });
  const { Items = [] } = await database.client.send(new ScanCommand({ TableName: `watched-${tables - 1}` }));
  expect(Items.filter((item) => item[SORT_KEY]?.S?.startsWith('REFUSALS#'))).toEqual([]);
});

it('tells of a call that cost more than its bound', async () => {
  const body = bodyWith({ prompt_tokens: 10, completion_tokens: 999_999, total_tokens: 1_000_009 });
  const gateway = await gatewayOf(() => ({ kind: 'complete', body, headers: {} }));
  await invoke(gateway, chatEvent({}));
  expect(lines[0]).toMatchObject({ Overruns: 1 });
});

it('tallies what the gateway refused: one write, and none more within a second, be it chat or not', async () => {
  const gateway = await gatewayOf(() => whole);
  database.sent.clear();
  await invoke(gateway, chatEvent({ model: 'nobody/knows' }));
  expect(Object.fromEntries(database.sent)).toEqual({ UpdateItemCommand: 1 });
  for (let count = 0; count < 50; count++) await invoke(gateway, chatEvent({ model: 'nobody/knows' }));
  await invoke(gateway, chatEvent('', { httpMethod: 'GET', path: '/openai/v1/nowhere' }));
  expect(Object.fromEntries(database.sent)).toEqual({ UpdateItemCommand: 1 });
  expect(splitsOf(lines[0], 'Refusals')).toEqual(['Environment', 'Environment Team', 'Environment Code']);
  expect(lines.map(({ Code }) => Code).slice(-2)).toEqual(['model_not_found', 'unknown_url']);
  // What clients write is no dimension, and in no log.
  expect(JSON.stringify(lines)).not.toContain('nobody');
});

it('tells of a fault of its own as of any refusal', async () => {
  const gateway = await gatewayOf(() => whole, { policy: { monthlyBudgetPicoUsd: undefined } });
  const { status } = await invoke(gateway, chatEvent({}));
  expect([status, lines[0]?.Code]).toEqual([500, 'internal_error']);
});

it('answers and books as ever where metrics cannot be written', async () => {
  const gateway = await gatewayOf(() => whole, {
    write: () => {
      throw new Error('the disk is full');
    },
  });
  expect(await invoke(gateway, chatEvent({}))).toMatchObject({ status: 200, text: bodyWith(usage) });
});
