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
const bodyWith = (reported: unknown) => JSON.stringify({ choices: [], usage: reported });
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

async function startGateway(
  answer: () => TracedUpstreamResponse,
  more: { write?: () => never; policy?: object; nowEpochMs?: () => number } = {},
) {
  const table = `recorded-${tables++}`;
  await ensureTable(database.client, table);
  const { nowEpochMs = systemClock.nowEpochMs } = more;
  const ports = { clock: { ...systemClock, nowEpochMs }, newId: () => crypto.randomUUID(), log: () => {} };
  return createGatewayHandler({
    ...NO_OP_USAGE_PORTS,
    ...ports,
    recorder: new GatewayRequestRecorder({
      ...ports,
      // Stands still, so that no second passes however busy the machine is.
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

/** The sets of dimensions of a metric, each as one text. */
const dimensionSets = (line: Line | undefined, name: string) =>
  (line?._aws.CloudWatchMetrics ?? [])
    .filter(({ Metrics }) => Metrics.some(({ Name }) => Name === name))
    .map(({ Dimensions }) => Dimensions.map((by) => by.join(' ')).join(' and '));

it('writes one line of metrics per call, with exact costs next to the floats and few dimensions', async () => {
  const gateway = await startGateway(() => whole);
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
  expect(dimensionSets(line, 'Requests')).toEqual(['Environment', 'Environment Team']);
  expect(dimensionSets(line, 'BudgetUsedPercent')).toEqual(['Environment Team']);
  expect(dimensionSets(line, 'PromptTokens')).toEqual(['Environment Model']);
  expect(dimensionSets(line, 'GatewayMs')).toEqual(['Environment']);
  expect(line).not.toHaveProperty('Refusals');
  expect(JSON.stringify(line).length).toBeLessThan(1_400);
});

it("omits last month's used budget for a call that ends in the next month, whose alarms have cleared", async () => {
  let atEpochMs = Date.parse('2026-11-30T23:59:58Z');
  const answer = () => {
    atEpochMs += 5_000;
    return whole;
  };
  const gateway = await startGateway(answer, { nowEpochMs: () => atEpochMs });
  await invoke(gateway, chatEvent({}));
  await invoke(gateway, chatEvent({}));
  expect(dimensionSets(lines[0], 'BudgetUsedPercent')).toEqual([]);
  expect(dimensionSets(lines[0], 'CostUsd')).toEqual(['Environment', 'Environment Team']);
  expect(dimensionSets(lines[1], 'BudgetUsedPercent')).toEqual(['Environment Team']);
});

it('reports a stream once it has ended, with the time to its first token', async () => {
  const gateway = await startGateway(() => ({
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
  ['reports zero usage', bodyWith({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 })],
  ['reports no usage', bodyWith(undefined)],
])('reports a success that %s, and its assumed cost', async (_title, body) => {
  const gateway = await startGateway(() => ({ kind: 'complete', body, headers: {} }));
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
] as const)('reports %s, and does not count a refusal that the ledger counts', async (reason, metrics) => {
  const gateway = await startGateway(() => ({ kind: 'rejected', refusal: refuse(reason, 'no') }));
  await invoke(gateway, chatEvent({}));
  database.sent.clear();
  await invoke(gateway, chatEvent({}));
  expect(lines[1]).toMatchObject({ ...metrics, Refusals: 1, Code: reason, costPicoUsd: '0' });
  expect(Object.fromEntries(database.sent)).toEqual({ UpdateItemCommand: 2 });
  const { Items = [] } = await database.client.send(new ScanCommand({ TableName: `recorded-${tables - 1}` }));
  expect(Items.filter((item) => item[SORT_KEY]?.S?.startsWith('REFUSALS#'))).toEqual([]);
});

it('reports a call that cost more than its maximum', async () => {
  const body = bodyWith({ prompt_tokens: 100_000, completion_tokens: 5, total_tokens: 100_005 });
  const gateway = await startGateway(() => ({ kind: 'complete', body, headers: {} }));
  await invoke(gateway, chatEvent({ max_tokens: 10 }));
  expect(lines[0]).toMatchObject({ Overruns: 1 });
});

it("counts the gateway's refusals of all endpoints with at most one write per second", async () => {
  const gateway = await startGateway(() => whole);
  database.sent.clear();
  await invoke(gateway, chatEvent({ model: 'nobody/knows' }));
  expect(Object.fromEntries(database.sent)).toEqual({ UpdateItemCommand: 1 });
  for (let count = 0; count < 50; count++) await invoke(gateway, chatEvent({ model: 'nobody/knows' }));
  await invoke(gateway, chatEvent('', { httpMethod: 'GET', path: '/openai/v1/nowhere' }));
  expect(Object.fromEntries(database.sent)).toEqual({ UpdateItemCommand: 1 });
  expect(dimensionSets(lines[0], 'Refusals')).toEqual(['Environment', 'Environment Team', 'Environment Code']);
  expect(lines.map(({ Code }) => Code).slice(-2)).toEqual(['model_not_found', 'unknown_url']);
  // Text from clients appears in no dimension and no log.
  expect(JSON.stringify(lines)).not.toContain('nobody');
});

it('reports an internal error like any refusal', async () => {
  const gateway = await startGateway(() => whole, { policy: { monthlyBudgetPicoUsd: undefined } });
  const { status } = await invoke(gateway, chatEvent({}));
  expect([status, lines[0]?.Code]).toEqual([500, 'internal_error']);
});

it('answers normally if metrics cannot be written', async () => {
  const gateway = await startGateway(() => whole, {
    write: () => {
      throw new Error('the disk is full');
    },
  });
  expect(await invoke(gateway, chatEvent({}))).toMatchObject({ status: 200, text: bodyWith(usage) });
});
