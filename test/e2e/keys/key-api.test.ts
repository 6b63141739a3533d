import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../../../local/settings.ts';
import { environmentFile } from '../../support/environments/environment-files.ts';
import { type GatewayProcess, postChat, startGatewayProcess } from '../../support/gateway/gateway-process.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'key-api-'));
let gateway: GatewayProcess;
beforeAll(async () => {
  gateway = await startGatewayProcess({ environment: environmentFile('prod'), dataDir });
});
afterAll(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true, force: true });
});

describe("the guide's own lines, with the gateway's base URL and an admin key", () => {
  const curl = async (...args: string[]) =>
    JSON.parse(
      (await promisify(execFile)('curl', ['-sS', '-H', `Authorization: Bearer ${gateway.adminKey}`, ...args])).stdout,
    );
  const endpoint = (path: string) => `${gateway.baseUrl}/openai/v1/${path}`;
  const request = {
    name: 'chatbot-prod',
    allowed_models: ['llama-3.3-70b-versatile', 'llama-3.1-8b-instant'],
    requests_per_minute: 500,
    tokens_per_minute: 100_000,
  };

  it('create a key, show usage by key, and delete the key', async () => {
    const made = await curl(
      '-X',
      'POST',
      endpoint('api-keys'),
      '-H',
      'Content-Type: application/json',
      '-d',
      JSON.stringify(request),
    );
    expect(made).toMatchObject({
      ...request,
      object: 'api_key',
      team: 'chatbot',
      role: 'member',
      key: expect.stringMatching(/^grk_prod_/),
    });
    // Groq has retired the guide's models since: the key may request them, and the error names their replacements.
    const retired = await postChat(gateway, made.key, { model: request.allowed_models[0] });
    expect([retired.status, JSON.parse(retired.text).error.code]).toEqual([404, 'model_decommissioned']);
    const usage = await curl(endpoint('usage'));
    expect(usage).toMatchObject({ usage_by_key: expect.any(Array), total: { requests: 0 } });
    expect(await curl('-X', 'DELETE', endpoint(`api-keys/${made.id}`))).toMatchObject({ id: made.id, deleted: true });
    expect((await postChat(gateway, made.key, { model: 'llama-3.1-8b-instant' })).status).not.toBe(200);
    const listed = await curl(endpoint('api-keys?team=chatbot'));
    expect(listed.data).toContainEqual(expect.objectContaining({ id: made.id, status: 'revoked' }));
    expect(JSON.stringify(listed)).not.toContain(made.key);
  });
});

describe('groq-rbac', () => {
  const run = async (args: readonly string[], env: object = {}) =>
    await promisify(execFile)(process.execPath, [join(PROJECT_DIR, 'bin/groq-rbac.ts'), ...args], {
      env: { ...process.env, DATA_DIR: dataDir, ...env },
    });
  const byKey = { GROQ_RBAC_KEY: '' };
  beforeAll(() => {
    byKey.GROQ_RBAC_KEY = gateway.adminKey;
  });
  const chatStatus = async (key: string) => (await postChat(gateway, key, {})).status;

  it.each(['on the tables', 'by a key over HTTP'])(
    'creates, lists, rotates and revokes keys %s, with only the key on stdout',
    async (how) => {
      const [where, env] = how === 'on the tables' ? [['--local'], {}] : [['--endpoint', gateway.baseUrl], byKey];
      const made = await run(
        [
          'keys',
          'create',
          '--team',
          'research',
          '--models',
          'openai/gpt-oss-20b',
          '--usd',
          '5',
          '--expires',
          '2d',
          ...where,
        ],
        env,
      );
      expect(made.stdout).toMatch(/^grk_prod_\S+\n$/);
      const key = made.stdout.trim();
      expect(await chatStatus(key)).toBe(200);
      const listed = JSON.parse((await run(['keys', 'list', '--team', 'research', '--json', ...where], env)).stdout);
      const found = listed.data.find(({ id }: { id: string }) => id === key.split('_')[2]);
      expect(found).toMatchObject({
        name: 'research-prod-main',
        allowed_models: ['openai/gpt-oss-20b'],
        monthly_budget_usd: 5,
      });
      expect((await run(['keys', 'list', ...where], env)).stdout).toMatch(
        /research-prod-main .*openai\/gpt-oss-20b; \$5/,
      );
      const next = (await run(['keys', 'rotate', key, '--overlap', '1', ...where], env)).stdout.trim();
      expect([await chatStatus(key), await chatStatus(next)]).toEqual([200, 200]);
      await run(['keys', 'revoke', key, '--reason', 'rotated', ...where], env);
      expect([await chatStatus(key), await chatStatus(next)]).toEqual([401, 200]);
      const trail = JSON.parse((await run(['audit', 'list', '--limit', '3', '--json', ...where], env)).stdout);
      expect(trail.data.map(({ action }: { action: string }) => action)).toEqual([
        'revoke_key',
        'rotate_key',
        'create_key',
      ]);
      expect((await run(['audit', 'list', ...where], env)).stdout).toContain('; rotated');
    },
  );

  it('handles a leaked key with one command: revokes it, replaces it, and audits both', async () => {
    const [, , leadId] = (await run(['keys', 'create', '--team', 'research', '--role', 'lead', '--local'])).stdout
      .trim()
      .split('_');
    const lead = (await run(['keys', 'create', '--team', 'research', '--role', 'lead', '--local'])).stdout.trim();
    const made = (
      await run(['keys', 'create', '--team', 'research', '--endpoint', gateway.baseUrl], { GROQ_RBAC_KEY: lead })
    ).stdout.trim();
    const leaked = await run(['keys', 'leaked', lead, '--reason', 'pasted into a ticket', '--with-made', '--local']);
    expect(leaked.stdout).toMatch(/^grk_prod_\S+\n$/);
    expect(leaked.stderr).toContain(`To team research: the key research-prod-main (${lead.split('_')[2]}) leaked`);
    expect(leaked.stderr).toContain(`Also revoked the keys that it created: ${made.split('_')[2]}`);
    expect([await chatStatus(lead), await chatStatus(made), await chatStatus(leaked.stdout.trim())]).toEqual([
      401, 401, 200,
    ]);
    const trail = JSON.parse((await run(['audit', 'list', '--limit', '1', '--json', '--local'])).stdout);
    expect(trail.data[0]).toMatchObject({ action: 'rotate_key', subject: `key ${lead.split('_')[2]}` });
    expect(trail.data[0].details).toContain(leaked.stdout.trim().split('_')[2]);
    expect(trail.data[0].details).toContain('leaked: pasted into a ticket');
    expect(leadId).not.toBe(lead.split('_')[2]);
  });

  it('writes a key into a new file readable by its owner only, and never overwrites a file', async () => {
    const file = join(dataDir, 'key');
    const args = ['keys', 'create', '--team', 'research', '--out-file', file, '--json', '--local'];
    const { stdout } = await run(args);
    expect(JSON.parse(stdout)).toMatchObject({ kept_in: file });
    expect(stdout).not.toContain('grk_prod_');
    expect([statSync(file).mode & 0o777, await chatStatus(readFileSync(file, 'utf8').trim())]).toEqual([0o600, 200]);
    await expect(run(args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('exists already') });
    const refused = ['keys', 'create', '--team', 'none', '--out-file', `${file}2`, '--local'];
    await expect(run(refused)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('which is no team') });
    expect(() => statSync(`${file}2`)).toThrow('ENOENT');
  });

  it('shows the current identity, and has only the access of its key', async () => {
    const env = { GROQ_RBAC_KEY: gateway.teams.research?.key ?? '' };
    const who = JSON.parse((await run(['keys', 'whoami', '--json', '--endpoint', gateway.baseUrl], env)).stdout);
    expect(who).toMatchObject({ team: 'research', role: 'member' });
    await expect(run(['audit', 'list', '--endpoint', gateway.baseUrl], env)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('may not read the audit trail'),
    });
    expect((await run(['keys', 'whoami', '--local'])).stdout).toMatch(/actor: local:\S+\nrole: admin/);
  });
});
