import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { periodAt, periodDayRange } from '../../lambda/kernel/period.ts';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import { usageGap } from '../../lambda/usage/usage.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import { postChat } from '../support/gateway/gateway-process.ts';
import { fetchUsage, waitForSettledUsage } from '../support/gateway/reported-usage.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();
const TEAM = 'counted';
const key = target.teams[TEAM]?.key ?? '';
const MARKERS = ['', '[tokens:100]', '[cached:10]', '[fault:400]', '[fault:cut]', '[fault:no-usage]'];

it('counts concurrent mixed calls through the stream, and matches the ledger exactly', async () => {
  const calls = MARKERS.flatMap((marker) => [true, false].map((stream) => ({ marker, stream })));
  const rounds = [0, 1, 2, 3].flatMap(() => calls);
  await Promise.all(
    rounds.map(({ marker, stream }, index) =>
      postChat(target, key, { stream, max_tokens: 200, messages: [{ role: 'user', content: `${marker} ${index}` }] }),
    ),
  );
  const startMs = performance.now();
  const { total, data, usage_by_key } = await waitForSettledUsage(target, key, '?group_by=team,key,model');
  console.log(`usage of ${rounds.length} calls drained within ${(performance.now() - startMs).toFixed(0)} ms`);
  expect(total.requests + total.voided_requests).toBe(rounds.length);
  expect(total.voided_requests).toBe(8);
  const name = `${TEAM}-${target.environmentName}-main`;
  const keyId = key.split('_')[2];
  expect(data).toEqual([{ ...total, team: TEAM, key_id: keyId, key_name: name, model: 'openai/gpt-oss-20b' }]);
  expect(usage_by_key).toEqual([
    {
      key_name: name,
      key_id: keyId,
      team: TEAM,
      requests_today: total.requests,
      tokens_today: total.prompt_tokens + total.completion_tokens,
      estimated_cost_usd: Number(total.cost_usd),
    },
  ]);
});

it('can be rebuilt from the stream, which changes nothing when nothing is missing', async () => {
  const command = ['usage', 'rebuild', '--env', target.environmentName, '--team', TEAM, '--json'];
  const all = [join(PROJECT_DIR, 'bin/groq-rbac.ts'), ...command];
  const rebuilt = JSON.parse((await promisify(execFile)(process.execPath, all)).stdout);
  expect(rebuilt).toMatchObject({ counted: 0, unreadable: 0, gaps: [], isWhole: true });
  expect(rebuilt.records).toBeGreaterThan(0);
});

it('counts what was refused, through the same stream', async () => {
  const roomy = target.teams.roomy?.key ?? '';
  const before = (await fetchUsage(target, roomy)).total.refusals.model_not_found ?? 0;
  expect(await postChat(target, roomy, { model: 'nobody/knows' })).toMatchObject({ status: 404 });
  const startMs = performance.now();
  // A gateway instance writes buffered refusals with its next request, at most once a second.
  while (((await fetchUsage(target, roomy)).total.refusals.model_not_found ?? 0) <= before) {
    expect(performance.now() - startMs).toBeLessThan(60_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
});

it('matches the ledger of every team, and shows all teams to an administrator only', async () => {
  // Other tests may not have sent a call yet.
  await postChat(target, target.teams.roomy?.key ?? '', {});
  const dynamo = new DynamoDBClient({});
  const ledger = new DynamoLedger(dynamo, target.ledgerTable, Date.now);
  const usage = new DynamoUsage(dynamo, target.usageTable, Date.now);
  const period = periodAt(Date.now());
  const { from, to } = periodDayRange(period);
  const readGap = async (team: string) => {
    const state = await ledger.read({ team, period });
    return state === undefined ? 0n : usageGap(await usage.listRows(team, from, to), period, state).spentPicoUsd;
  };
  const startMs = performance.now();
  // Other tests spend meanwhile, so each team is compared at a moment when its stream is drained.
  for (const team of Object.keys(target.teams)) {
    while ((await readGap(team)) !== 0n) {
      expect(performance.now() - startMs, `the usage of ${team} misses ${await readGap(team)}`).toBeLessThan(60_000);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const all = await fetchUsage(target, target.adminKey, '?group_by=team');
  expect(all.data.map(({ team }) => team)).toEqual(expect.arrayContaining([TEAM, 'roomy']));
  expect((await fetchUsage(target, key, '?group_by=team')).data.map(({ team }) => team)).toEqual([TEAM]);
});
