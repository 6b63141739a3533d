import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import { type FakeGroq, startFakeGroq } from '../../local/fake-groq/server.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import { catalogContent } from '../support/catalog.ts';
import { type GatewayProcess, roomyEnvironment, startGatewayProcess } from '../support/gateway/gateway-process.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'catalog-diff-'));
const catalogFile = catalogContent();
const modelWith = (id: string) => catalogFile.models.find((model) => model.id === id) ?? {};
let groq: FakeGroq;
let gateway: GatewayProcess;
beforeAll(async () => {
  groq = await startFakeGroq({ acceptedKeys: new Set(['gsk_local']), catalogFile });
  const env = { GROQ_API_KEY: 'gsk_local', GROQ_BASE_URL: groq.baseUrl };
  gateway = await startGatewayProcess({ environment: roomyEnvironment(), dataDir, env });
});
afterAll(async () => {
  await gateway.close();
  await groq.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function diff(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const command = [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'catalog', 'diff', '--local', ...args];
  const child = spawn(process.execPath, command, { env: { ...process.env, DATA_DIR: dataDir } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(output).not.toContain('gsk_');
  return { code, output };
}

it("agrees with Groq's list, and shows and exits with 1 when Groq changes it", async () => {
  expect(await diff()).toEqual({ code: 0, output: "The catalog agrees with Groq's list of models.\n" });
  expect(JSON.parse((await diff('--json')).output)).toMatchObject({ differences: [] });
  modelWith('openai/gpt-oss-20b').contextWindow = 65_536;
  modelWith('qwen/qwen3.8-27b').status = 'retired';
  const { code, output } = await diff();
  expect(code).toBe(1);
  expect(output).toMatch(/openai\/gpt-oss-20b +contextWindow +131072 +65536/);
  expect(output).toMatch(/qwen\/qwen3.8-27b +listed +yes +no/);
  groq.keys.revoke(deriveGroqKeyId('gsk_local'));
  expect(await diff()).toMatchObject({ code: 2, output: expect.stringContaining('Groq lists no models') });
});
