import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { PROJECT_DIR } from '../../local/settings.ts';
import { fetchBudget, postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();
const TEAM = 'operated';
const key = target.teams[TEAM]?.key ?? '';

async function budget(...args: string[]): Promise<Record<string, unknown>> {
  const all = [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'budget', ...args, '--env', target.environmentName, '--json'];
  return JSON.parse((await promisify(execFile)(process.execPath, all)).stdout);
}

it('pauses a team from the next call on, and resumes it', async () => {
  const body = { messages: [{ role: 'user', content: 'Hello' }] };
  const before = await postChat(target, key, body);
  await budget('pause', '--team', TEAM, '--reason', 'a rehearsal');
  const paused = await postChat(target, key, body);
  await budget('resume', '--team', TEAM, '--reason', 'a rehearsal');
  const after = await postChat(target, key, body);
  expect([before.status, paused.status, after.status]).toEqual([200, 402, 200]);
  expect(JSON.parse(paused.text).error).toMatchObject({
    code: 'team_paused',
    message: expect.stringContaining('a rehearsal'),
  });
});

it('tops up a budget for a limited time', async () => {
  const { limit_usd: before } = await fetchBudget(target, key);
  const until = new Date(Date.now() + 90_000).toISOString().replace(/\.\d+Z$/, 'Z');
  await budget('top-up', '--team', TEAM, '--usd', '1.5', '--until', until, '--reason', 'a rehearsal');
  expect(Number((await fetchBudget(target, key)).limit_usd)).toBe(Number(before) + 1.5);
  expect(await budget('show', '--team', TEAM)).toMatchObject({ teams: [{ top_ups: [{ usd: '1.5', until }] }] });
});
