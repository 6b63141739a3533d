import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deriveGroqKeyId } from '../../../lambda/groq/io/groq-key-id.ts';
import { PROJECT_DIR } from '../../../local/settings.ts';
import {
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../../support/gateway/gateway-process.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'groq-key-'));
const [SECOND, THIRD] = ['gsk_second_of_roomy', 'gsk_third_of_roomy'];
let gateway: GatewayProcess;
beforeAll(async () => {
  const { roomy } = roomyEnvironment().teams;
  const environment = { teams: { roomy, made: { ...roomy, groqKeySource: 'admin-api' } } };
  gateway = await startGatewayProcess({ environment, dataDir });
});
afterAll(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Runs a groq-key command against the running local gateway, with a key on standard input. */
async function groqKey(input: string, ...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const command = [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'groq-key', ...args, '--local'];
  const env = { ...process.env, DATA_DIR: dataDir };
  const child = spawn(process.execPath, command, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  // The typed key is never echoed.
  expect(output).not.toContain('gsk_');
  return { code, output };
}

const call = async (team: string) => (await postChat(gateway, gateway.teams[team]?.key ?? '', {})).status;

it('stages, rotates, reports and revokes keys of the running local gateway without a failed call', async () => {
  expect(await call('roomy')).toBe(200);
  expect((await groqKey('', 'rotate', '--team', 'roomy')).output).toContain('no key is staged for team roomy');
  expect((await groqKey(SECOND, 'stage', '--team', 'roomy')).output).toContain('number 1 in the queue');
  expect((await groqKey(SECOND, 'stage', '--team', 'roomy')).output).toContain('already staged');
  expect((await groqKey(SECOND, 'stage', '--team', 'made')).output).toContain('belongs to team roomy');
  const rotated = await groqKey('', 'rotate', '--team', 'roomy');
  expect(rotated).toMatchObject({ code: 0, output: expect.stringContaining(deriveGroqKeyId(SECOND)) });
  expect(rotated.output).toContain('stays usable for at least a day');
  expect(await call('roomy')).toBe(200);
  const report = await groqKey('', 'report', '--team', 'roomy');
  expect(report.output).toMatch(/Failed calls: 0[\s\S]*promoted/);
  const [file = ''] = readdirSync(join(dataDir, 'reports/groq-keys/roomy'));
  expect(readFileSync(join(dataDir, 'reports/groq-keys/roomy', file), 'utf8')).toContain('First edition');

  await groqKey(THIRD, 'stage', '--team', 'roomy', '--name', 'roomy-in-need');
  const revoke = await fetch(`${gateway.upstreamUrl}/_fake/keys/revoke`, {
    method: 'POST',
    body: JSON.stringify({ keyIds: [deriveGroqKeyId(SECOND)] }),
  });
  expect(revoke.status).toBe(200);
  const revoked = await groqKey('', 'revoke', '--team', 'roomy', '--reason', 'leaked');
  expect(revoked.output).toContain('0 failed without a usable key');
  expect(await call('roomy')).toBe(200);
  expect((await groqKey('', 'status', '--team', 'roomy')).output).toMatch(/roomy-in-need +[0-9a-f]{12} +current/);
  expect((await groqKey('', 'confirm-deleted', '--team', 'roomy', '--key', deriveGroqKeyId(SECOND))).code).toBe(0);
  expect(gateway.stderr()).not.toContain('gsk_');
}, 60_000);

it("rotates by the upstream's key API where there is one", async () => {
  const { code, output } = await groqKey('', 'rotate', '--team', 'made', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ current: { name: expect.stringMatching(/^made-test-\d{4}-\d{2}/) } });
  expect(await call('made')).toBe(200);
}, 60_000);

it('asks for an id when given a key, and does not echo the key', async () => {
  const { code, output } = await groqKey('', 'unstage', '--team', 'roomy', '--key', 'gsk_pasted_by_mistake');
  expect([code, output]).toEqual([2, expect.stringContaining('12 hex digits')]);
  for (const args of [['gsk_pasted_by_mistake'], ['set', 'gsk_pasted_by_mistake', '--team', 'roomy']])
    expect(await groqKey(SECOND, ...args)).toMatchObject({
      code: 2,
      output: expect.stringContaining('in your shell history'),
    });
  expect((await groqKey('', 'status', '--team', 'nobody')).output).toContain('has no team "nobody"');
});

it('replaces a refused key with set, and refuses to replace a valid one', async () => {
  expect((await groqKey('gsk_fourth_of_roomy', 'set', '--team', 'roomy')).output).toContain('has a key that works');
  // Revoke every key the team ever had: the gateway caches the previous ones for up to a minute.
  const response = await fetch(`${gateway.upstreamUrl}/_fake/keys`);
  const { uses } = (await response.json()) as { readonly uses: object };
  const body = JSON.stringify({ keyIds: Object.keys(uses) });
  await fetch(`${gateway.upstreamUrl}/_fake/keys/revoke`, { method: 'POST', body });
  expect(await call('roomy')).toBeGreaterThanOrEqual(500);
  expect((await groqKey('short', 'set', '--team', 'roomy')).output).toContain('not a valid key');
  const set = await groqKey('gsk_fourth_of_roomy\n', 'set', '--team', 'roomy', '--json');
  expect(set.code).toBe(0);
  expect(JSON.parse(set.output)).toMatchObject({ current: { keyId: deriveGroqKeyId('gsk_fourth_of_roomy') } });
  await expect.poll(async () => await call('roomy'), { timeout: 5_000 }).toBe(200);
}, 60_000);

it('reports that Groq refuses the previous key', async () => {
  const FIFTH = 'gsk_fifth_of_roomy';
  await groqKey(FIFTH, 'stage', '--team', 'roomy');
  const body = JSON.stringify({ keyIds: [deriveGroqKeyId('gsk_fourth_of_roomy')] });
  await fetch(`${gateway.upstreamUrl}/_fake/keys/revoke`, { method: 'POST', body });
  const rotated = await groqKey('', 'rotate', '--team', 'roomy');
  expect(rotated.output).toMatch(new RegExp(`now uses .*${deriveGroqKeyId(FIFTH)}.*Groq rejects`));
  expect(await call('roomy')).toBe(200);
}, 60_000);
