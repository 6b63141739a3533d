import { afterAll, beforeAll, expect, it } from 'vitest';
import { picoUsdFromNumber, subtractUsd } from '../../../lambda/kernel/money.ts';
import { type FakeGroq, startFakeGroq } from '../../../local/fake-groq/server.ts';
import { computeBill } from '../../support/gateway/fake-bill.ts';
import {
  fetchBudget,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../../support/gateway/gateway-process.ts';

let fake: FakeGroq;
let gateway: GatewayProcess;
beforeAll(async () => {
  fake = await startFakeGroq({ chunkIntervalMs: 1 });
  gateway = await startGatewayProcess({ environment: roomyEnvironment(), env: { GROQ_BASE_URL: fake.baseUrl } });
});
afterAll(async () => {
  await gateway.close();
  await fake.close();
});

const toPico = (text: string | undefined) => picoUsdFromNumber(Number(text));
const KNOWN = ['', '[tokens:200]', '[cached:10]', '[reasoning:5]', '[fault:no-done]', '[fault:slow:50]'];
const REFUSED = ['[fault:400]', '[fault:500]', '[fault:blocked]', '[fault:429:60]'];
const UNKNOWN = [
  '[fault:reset]',
  '[fault:cut]',
  '[fault:error-chunk]',
  '[fault:no-usage]',
  '[fault:wrong-usage]',
  '[fault:zero-usage]',
];

it('records exactly what the upstream counted for a mix of models, streams, disconnects and faults', async () => {
  const key = gateway.teams.roomy?.key ?? '';
  const models = ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'];
  const mix = [...KNOWN, ...REFUSED, ...UNKNOWN].flatMap((marker) =>
    models.flatMap((model) => [true, false].map((stream) => ({ marker, model, stream }))),
  );
  const rounds = [0, 1, 2].flatMap(() => mix);
  let disconnects = 0;
  const send = async ({ marker, model, stream }: (typeof mix)[number], index: number) => {
    const body = { model, stream, max_tokens: 300, messages: [{ role: 'user', content: `${marker} ${index}` }] };
    // The client disconnects in the middle of a third of the known streams.
    if (!stream || !KNOWN.includes(marker) || index % 3 !== 0) {
      await postChat(gateway, key, body);
      return;
    }
    disconnects++;
    const abort = new AbortController();
    const response = await fetch(`${gateway.baseUrl}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
      signal: abort.signal,
    });
    await response.body?.getReader().read();
    abort.abort();
  };
  for (let start = 0; start < rounds.length; start += 20) {
    await Promise.all(rounds.slice(start, start + 20).map((call, index) => send(call, start + index)));
  }
  expect(disconnects).toBeGreaterThan(10);
  let budget = await fetchBudget(gateway, key);
  while (budget.held_usd !== '0') budget = await fetchBudget(gateway, key);

  const { byModel, interruptedByModel, refused } = fake.served();
  expect(refused).toBeGreaterThanOrEqual(rounds.length / (KNOWN.length + REFUSED.length + UNKNOWN.length));
  expect(subtractUsd(toPico(budget.spent_usd), toPico(budget.assumed_usd))).toBe(computeBill(byModel));
  // The cost of broken calls is unknown. They are charged their maximum cost, which is never below the actual cost.
  expect(toPico(budget.assumed_usd)).toBeGreaterThanOrEqual(computeBill(interruptedByModel));
  expect(budget.overrun_usd).toBe('0');
  const calls = Object.values(byModel).reduce((sum, { requests }) => sum + requests, 0);
  console.log(
    `reconciled ${rounds.length} calls: ${calls} billed at $${budget.spent_usd}, of which $${budget.assumed_usd} assumed, ${disconnects} clients disconnected`,
  );
});
