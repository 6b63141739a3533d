import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { picoUsdFromNumber, subtractUsd } from '../../lambda/core/money.ts';
import { type FakeGroq, startFakeGroq } from '../../local/fake-groq/server.ts';

import { billOf } from '../support/fake-bill.ts';
import {
  budgetOf,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../support/gateway-process.ts';
import { drainedUsage, usageOf } from '../support/usage-of.ts';

let fake: FakeGroq;
let dir: string;
beforeAll(async () => {
  fake = await startFakeGroq({ chunkIntervalMs: 1 });
  dir = mkdtempSync(join(tmpdir(), 'usage-'));
});
afterAll(async () => {
  await fake.close();
  rmSync(dir, { recursive: true, force: true });
});

const toPico = (text: unknown) => picoUsdFromNumber(Number(text));
const MODELS = ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'];
const KNOWN = ['', '[tokens:200]', '[cached:10]', '[reasoning:5]'];
const REFUSED = ['[fault:400]', '[fault:429:60]'];
const UNKNOWN = ['[fault:reset]', '[fault:cut]', '[fault:no-usage]'];
const keyOf = (gateway: GatewayProcess, team = 'roomy') => gateway.teams[team]?.key ?? '';

async function callMixed(gateways: readonly GatewayProcess[], team?: string): Promise<number> {
  const calls = [...KNOWN, ...REFUSED, ...UNKNOWN].flatMap((marker) =>
    MODELS.flatMap((model) => [true, false].map((stream) => ({ marker, model, stream }))),
  );
  await Promise.all(
    calls.map(({ marker, model, stream }, index) => {
      const gateway = gateways[index % gateways.length] as GatewayProcess;
      const body = { model, stream, max_tokens: 300, messages: [{ role: 'user', content: `${marker} ${index}` }] };
      return postChat(gateway, keyOf(gateway, team), body);
    }),
  );
  return calls.length;
}

/** Asserts that usage, ledger and the upstream's bill are one. */
async function expectOneTruth(gateway: GatewayProcess): Promise<void> {
  const { total, data } = await drainedUsage(gateway, keyOf(gateway), '?group_by=model');
  const budget = await budgetOf(gateway, keyOf(gateway));
  expect([total.cost_usd, total.assumed_usd]).toEqual([budget.spent_usd, budget.assumed_usd]);
  const { byModel } = fake.served();
  expect(subtractUsd(toPico(total.cost_usd), toPico(total.assumed_usd))).toBe(billOf(byModel));
  for (const row of data) {
    const served = byModel[row.model ?? ''];
    expect([row.prompt_tokens, row.cached_tokens, row.completion_tokens]).toEqual([
      served?.promptTokens,
      served?.cachedTokens,
      served?.completionTokens,
    ]);
  }
}

describe('GET /openai/v1/usage', () => {
  it('comes to exactly what the ledger spent and the upstream billed, also after a process was killed', async () => {
    const start = async () =>
      await startGatewayProcess({
        environment: roomyEnvironment(),
        env: { GROQ_BASE_URL: fake.baseUrl },
        dataDir: join(dir, 'data'),
      });
    const first = await start();
    const calls = await callMixed([first]);
    await expectOneTruth(first);
    const { total } = await usageOf(first, keyOf(first));
    expect(total.requests + total.voided_requests).toBe(calls);
    await callMixed([first]);
    // What the ledger has by now, and the projector perhaps not.
    await first.kill('SIGKILL');
    const second = await start();
    await expectOneTruth(second);
    await second.close();
  });
});
