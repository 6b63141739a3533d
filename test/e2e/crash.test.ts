import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { addUsd, picoUsd, picoUsdFromNumber } from '../../lambda/kernel/money.ts';
import { startFakeGroq } from '../../local/fake-groq/server.ts';
import { computeBill } from '../support/gateway/fake-bill.ts';
import { fetchBudget, postChat, roomyEnvironment, startGatewayProcess } from '../support/gateway/gateway-process.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const CALL_USD = (26 * 0.075 + 50 * 0.3) / 1e6;
const CALLS = 40;
const toPico = (text: string | undefined) => picoUsdFromNumber(Number(text));

it('never overspends and loses no cost when killed with requests in flight, and serves after a restart', async () => {
  const fake = await startFakeGroq({ latencyMs: 300 });
  const dataDir = mkdtempSync(join(tmpdir(), 'crash-'));
  cleanUp.push(fake.close, () => rmSync(dataDir, { recursive: true, force: true }));
  const environment = roomyEnvironment({ monthlyBudgetUsd: CALLS * CALL_USD, maxTokensPerRequest: 50 });
  const start = async () => {
    const gateway = await startGatewayProcess({ environment, dataDir, env: { GROQ_BASE_URL: fake.baseUrl } });
    cleanUp.push(gateway.close);
    return gateway;
  };
  const body = { messages: [{ role: 'user', content: '[tokens:50]' }], max_tokens: 50 };

  const first = await start();
  const key = first.teams.roomy?.key ?? '';
  await Promise.all(Array.from({ length: 5 }, () => postChat(first, key, body)));
  const interrupted = Array.from({ length: 10 }, () => postChat(first, key, body).catch(() => undefined));
  while (fake.served().inFlight < 10) await new Promise((resolve) => setImmediate(resolve));
  await first.kill('SIGKILL');
  await Promise.all(interrupted);

  const second = await start();
  expect(second.teams.roomy?.key).toBe(key);
  const afterCrash = await fetchBudget(second, key);
  expect(addUsd(toPico(afterCrash.spent_usd), toPico(afterCrash.held_usd))).toBeGreaterThanOrEqual(
    computeBill(fake.served().byModel),
  );
  const answers = await Promise.all(Array.from({ length: 4 * CALLS }, () => postChat(second, key, body)));
  expect(answers.some(({ status }) => status === 200)).toBe(true);

  const budget = await fetchBudget(second, key);
  const billed = computeBill(fake.served().byModel);
  expect(billed).toBeLessThanOrEqual(picoUsdFromNumber(CALLS * CALL_USD));
  expect(addUsd(toPico(budget.spent_usd), toPico(budget.held_usd))).toBeLessThanOrEqual(toPico(budget.limit_usd));
  // Requests in flight at the crash are charged at their bound, which is never less than the bill.
  expect(toPico(budget.spent_usd)).toBeGreaterThanOrEqual(billed);
  expect(toPico(budget.assumed_usd)).toBeGreaterThan(picoUsd(0n));
});

it('lets requests in flight finish and settle on Ctrl-C', async () => {
  const fake = await startFakeGroq({ latencyMs: 2_000 });
  const dataDir = mkdtempSync(join(tmpdir(), 'stop-'));
  cleanUp.push(fake.close, () => rmSync(dataDir, { recursive: true, force: true }));
  const options = { environment: roomyEnvironment(), dataDir, env: { GROQ_BASE_URL: fake.baseUrl } };
  const first = await startGatewayProcess(options);
  const key = first.teams.roomy?.key ?? '';
  const answers = Array.from({ length: 10 }, (_, n) => postChat(first, key, { stream: n % 2 === 0 }));
  while (fake.served().inFlight < 10) await new Promise((resolve) => setImmediate(resolve));
  expect(await first.kill('SIGINT')).toBe(0);
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(10).fill(200));
  const second = await startGatewayProcess(options);
  cleanUp.push(second.close);
  const budget = await fetchBudget(second, key);
  expect(budget).toMatchObject({ held_usd: '0', assumed_usd: '0' });
  expect(toPico(budget.spent_usd)).toBe(computeBill(fake.served().byModel));
});
