import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { picoUsdFromNumber, subtractUsd } from '../../../lambda/kernel/money.ts';
import { periodAt, periodDayRange } from '../../../lambda/kernel/period.ts';
import { DynamoLedger } from '../../../lambda/ledger/io/dynamo-ledger.ts';
import { DynamoUsage } from '../../../lambda/usage/io/dynamo-usage.ts';
import { usageGap } from '../../../lambda/usage/usage.ts';
import { type FakeGroq, startFakeGroq } from '../../../local/fake-groq/server.ts';
import { computeBill } from '../../support/gateway/fake-bill.ts';
import {
  fetchBudget,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../../support/gateway/gateway-process.ts';
import { fetchUsage, waitForSettledUsage } from '../../support/gateway/reported-usage.ts';
import { startTestDatabase } from '../../support/ledger/test-database.ts';

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
/** Generous, for a busy machine. */
const POLL_OPTIONS = { timeout: 30_000, interval: 100 };
const MODELS = ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'];
const KNOWN = ['', '[tokens:200]', '[cached:10]', '[reasoning:5]'];
const REFUSED = ['[fault:400]', '[fault:500]'];
const UNKNOWN = ['[fault:reset]', '[fault:cut]', '[fault:no-usage]'];
const teamKey = (gateway: GatewayProcess, team = 'roomy') => gateway.teams[team]?.key ?? '';

async function sendMixedCalls(gateways: readonly GatewayProcess[], team?: string): Promise<number> {
  const calls = [...KNOWN, ...REFUSED, ...UNKNOWN].flatMap((marker) =>
    MODELS.flatMap((model) => [true, false].map((stream) => ({ marker, model, stream }))),
  );
  await Promise.all(
    calls.map(({ marker, model, stream }, index) => {
      const gateway = gateways[index % gateways.length] as GatewayProcess;
      const body = { model, stream, max_tokens: 300, messages: [{ role: 'user', content: `${marker} ${index}` }] };
      return postChat(gateway, teamKey(gateway, team), body);
    }),
  );
  return calls.length;
}

/** Asserts that usage, ledger and the upstream's bill match. */
async function expectSourcesAgree(gateway: GatewayProcess): Promise<void> {
  const { total, data } = await waitForSettledUsage(gateway, teamKey(gateway), '?group_by=model');
  const budget = await fetchBudget(gateway, teamKey(gateway));
  expect([total.cost_usd, total.assumed_usd]).toEqual([budget.spent_usd, budget.assumed_usd]);
  const { byModel } = fake.served();
  expect(subtractUsd(toPico(total.cost_usd), toPico(total.assumed_usd))).toBe(computeBill(byModel));
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
  it("matches the ledger and the upstream's bill exactly, even after a process was killed", async () => {
    const start = async () =>
      await startGatewayProcess({
        environment: roomyEnvironment(),
        env: { GROQ_BASE_URL: fake.baseUrl },
        dataDir: join(dir, 'data'),
      });
    const first = await start();
    const calls = await sendMixedCalls([first]);
    await expectSourcesAgree(first);
    const { total } = await fetchUsage(first, teamKey(first));
    expect(total.requests + total.voided_requests).toBe(calls);
    await sendMixedCalls([first]);
    // The ledger has these calls, but the projector may not.
    await first.kill('SIGKILL');
    const second = await start();
    await expectSourcesAgree(second);
    await second.kill('SIGTERM');
    const database = new DatabaseSync(join(dir, 'data', 'dynamodb.sqlite'));
    const remaining = database.prepare('SELECT count(*) AS records FROM _stream_records').get()?.records;
    database.close();
    // Without pruning, the embedded database would keep all records and scan them at each write.
    expect(remaining).toBeGreaterThan(0);
    expect(remaining).toBeLessThan(2 * 2 * calls);
  });

  it('contains every refusal of a gateway that was stopped within a second of refusing', async () => {
    const start = async () =>
      await startGatewayProcess({ environment: roomyEnvironment(), dataDir: join(dir, 'refused') });
    const first = await start();
    for (let count = 0; count < 7; count++) await postChat(first, teamKey(first), { model: 'nobody/knows' });
    await first.kill('SIGTERM');
    const second = await start();
    const { total } = await fetchUsage(second, teamKey(second));
    expect([total.refused_requests, total.refusals]).toEqual([7, { model_not_found: 7 }]);
    expect([total.requests, total.cost_usd]).toEqual([0, '0']);
    await second.close();
    await first.close();
  });

  it('counts each call once if two gateways share a database, and both show the same', async () => {
    const database = await startTestDatabase();
    const environment = { teams: { shared: roomyEnvironment().teams.roomy, other: roomyEnvironment().teams.roomy } };
    const env = { DYNAMODB_ENDPOINT: database.endpoint };
    const [one, two] = [
      await startGatewayProcess({ environment, env, dataDir: join(dir, 'one') }),
      await startGatewayProcess({ environment, env, dataDir: join(dir, 'two') }),
    ];
    // Each gateway derives keys from its own folder, so the team has two.
    const before = await sendMixedCalls([one, two], 'shared');
    expect(await postChat(one, teamKey(one, 'other'), {})).toMatchObject({ status: 200 });
    const ledger = new DynamoLedger(database.client, 'test-ledger', Date.now);
    const usage = new DynamoUsage(database.client, 'test-usage', Date.now);
    const period = periodAt(Date.now());
    const { from, to } = periodDayRange(period);
    for (const team of ['shared', 'other']) {
      await expect
        .poll(async () => {
          const state = await ledger.read({ team, period });
          if (state === undefined || state.reservedPicoUsd > 0n) return 'in flight';
          return usageGap(await usage.listRows(team, from, to), period, state);
        }, POLL_OPTIONS)
        .toEqual({ spentPicoUsd: 0n, assumedPicoUsd: 0n });
    }
    const [byOne, byTwo] = [
      await fetchUsage(one, one.adminKey, '?group_by=team'),
      await fetchUsage(two, two.adminKey, '?group_by=team'),
    ];
    expect(byOne).toEqual(byTwo);
    expect(byOne.data.map(({ team }) => team)).toEqual(['other', 'shared']);
    expect(byOne.total.requests + byOne.total.voided_requests).toBe(before + 1);
    // A member sees only its own key.
    const own = await fetchUsage(one, teamKey(one, 'shared'));
    expect(own.total.requests).toBeLessThan(before);
    expect(own.usage_by_key).toMatchObject([{ key_name: 'shared-test-local', team: 'shared' }]);
    for (const gateway of [one, two]) await gateway.close();
    await database.close();
  });
});
