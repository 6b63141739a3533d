import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { RotateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { findDeployment } from '../../bin/deployment.ts';
import { groqSecretName } from '../../lambda/contract.ts';
import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import { readActiveGroqKeys } from '../../lambda/groq-keys/active-groq-keys.ts';
import { groqKeyState } from '../../lambda/groq-keys/groq-key-record.ts';
import { DynamoGroqKeyRepository } from '../../lambda/groq-keys/io/groq-key-repository.ts';
import { groqSecret } from '../../lambda/groq-keys/io/groq-secret.ts';
import { formatUtc } from '../../lambda/kernel/period.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import { postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';
import { findDeployedResource } from '../support/stack/deployed-resources.ts';

const target = requireDeployed();
const { environmentName } = target;
const secrets = new SecretsManagerClient({});
const records = new DynamoGroqKeyRepository(new DynamoDBClient({}), target.registryTable);
const ROTATION_TIMEOUT_MS = 90_000;

/** Runs groq-rbac groq-key with a key on standard input. */
async function groqRbac(input: string, ...args: readonly string[]): Promise<string> {
  const command = [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'groq-key', ...args, '--env', environmentName];
  const child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code, output).toBe(0);
  // The key is never printed.
  if (input !== '') expect(output).not.toContain(input);
  return output;
}

/** Makes the fake Groq accept or reject keys. */
async function control(action: 'allow' | 'revoke', ...keys: readonly string[]): Promise<void> {
  const body = JSON.stringify({ keyIds: keys.map(deriveGroqKeyId) });
  const { status } = await fetch(`${target.upstreamUrl}/_fake/keys/${action}`, { method: 'POST', body });
  expect(status).toBe(200);
}

async function activeKeys(team: string) {
  const secret = groqSecret(secrets, groqSecretName(team, environmentName), environmentName);
  return await readActiveGroqKeys(secret, await secret.state());
}

async function startRotation(team: string): Promise<void> {
  const { groqRotationArn: RotationLambdaARN } = await findDeployment(environmentName);
  await secrets.send(new RotateSecretCommand({ SecretId: groqSecretName(team, environmentName), RotationLambdaARN }));
}

/** Sends calls in two loops. Returns a function that stops them and returns the statuses. */
function startCalls(team: string) {
  const statuses: number[] = [];
  let isStopped = false;
  const key = target.teams[team]?.key ?? '';
  const loop = async () => {
    while (!isStopped) statuses.push((await postChat(target, key, {})).status);
  };
  const loops = [loop(), loop()];
  return async () => {
    isStopped = true;
    await Promise.all(loops);
    return statuses;
  };
}

describe('the rotation of a Groq key on AWS', () => {
  it('keeps the current key when none is staged', async () => {
    const before = await activeKeys('staged');
    await startRotation('staged');
    await expect
      .poll(async () => (await records.read('staged', before.current?.keyId ?? ''))?.remindedAtEpochMs, {
        timeout: ROTATION_TIMEOUT_MS,
      })
      .toBeDefined();
    expect((await activeKeys('staged')).current?.keyId).toBe(before.current?.keyId);
  });

  it('fails no call while keys are staged, rotated and revoked by commands, and stores a report', async () => {
    const [second, third] = ['gsk_rehearsal_second', 'gsk_rehearsal_third'];
    await control('allow', second, third);
    const first = (await activeKeys('staged')).current?.keyId ?? '';
    const stop = startCalls('staged');
    expect(await groqRbac(second, 'stage', '--team', 'staged')).toContain('number 1 in the queue');
    expect(await groqRbac('', 'rotate', '--team', 'staged')).toContain(deriveGroqKeyId(second));
    expect((await activeKeys('staged')).previous?.keyId).toBe(first);
    await expect
      .poll(async () => (await records.read('staged', deriveGroqKeyId(second)))?.toldAtEpochMs, {
        timeout: ROTATION_TIMEOUT_MS,
      })
      .toBeDefined();
    const promoted = await records.read('staged', deriveGroqKeyId(second));
    const bucket = await findDeployedResource('AWS::S3::Bucket', 'Reports');
    const day = formatUtc(promoted?.currentFromEpochMs ?? 0).slice(0, 10);
    const Key = `groq-keys/staged/${day}-${deriveGroqKeyId(second)}.md`;
    const report = await new S3Client({}).send(new GetObjectCommand({ Bucket: bucket, Key }));
    const markdown = (await report.Body?.transformToString()) ?? '';
    expect(markdown).toContain('# Groq key rotation of team staged');
    expect(markdown).not.toContain('gsk_');

    await groqRbac(third, 'stage', '--team', 'staged');
    // The key is deleted in Groq's console without notice, while another one is staged.
    await control('revoke', second);
    const revocation = await groqRbac('', 'revoke', '--team', 'staged', '--reason', 'rehearsed');
    expect(revocation).toContain('0 failed without a usable key');
    expect((await activeKeys('staged')).current?.keyId).toBe(deriveGroqKeyId(third));
    expect((await activeKeys('staged')).previous).toBeUndefined();
    await groqRbac('', 'confirm-deleted', '--team', 'staged', '--key', deriveGroqKeyId(second));
    const deleted = await records.read('staged', deriveGroqKeyId(second));
    expect(groqKeyState(deleted ?? {})).toBe('deleted');
    expect(await groqRbac('', 'status', '--team', 'staged')).toMatch(/current[\s\S]*0 staged/);
    const statuses = await stop();
    expect(statuses.length).toBeGreaterThan(4);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it("creates the next key by the upstream's API if there is one", async () => {
    const before = (await activeKeys('made')).current?.keyId;
    await startRotation('made');
    await expect
      .poll(async () => (await activeKeys('made')).current?.keyId, { timeout: ROTATION_TIMEOUT_MS })
      .not.toBe(before);
    const { current } = await activeKeys('made');
    expect(current).toMatchObject({
      name: expect.stringMatching(/^made-rehearsal-\d{4}-\d{2}/),
      upstreamId: expect.stringMatching(/^key_/),
    });
    expect((await postChat(target, target.teams.made?.key ?? '', {})).status).toBe(200);
  });
});
