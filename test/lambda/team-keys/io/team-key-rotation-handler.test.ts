import type { SecretsManagerRotationEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoKeyStore } from '../../../../lambda/access/io/dynamo-key-store.ts';
import { mintKeyWithDerivedId } from '../../../../lambda/access/io/gateway-key.ts';
import { DynamoAuditLog } from '../../../../lambda/policy/io/dynamo-audit-log.ts';
import { DynamoKeyRepository } from '../../../../lambda/team-keys/io/key-repository.ts';
import { teamServiceSecret } from '../../../../lambda/team-keys/io/service-secret.ts';
import { createTeamKeyRotationHandler } from '../../../../lambda/team-keys/io/team-key-rotation-handler.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { LocalSecretsManager } from '../../../../local/secrets-manager/secrets-manager.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

const NOW = Date.UTC(2026, 10, 25, 12);
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
const PLACEHOLDER = '{"note":"the first rotation puts a key here","placeholder":"x"}';
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('registry');
});
afterAll(async () => await database.close());

/** Creates the deployed function over one secret with this name, and collects its log. */
function createRotation(name: string) {
  // The tests call the steps themselves.
  const secrets = new LocalSecretsManager({ rotate: async () => {} });
  const { ARN: SecretId } = secrets.handle('CreateSecret', { Name: name, SecretString: PLACEHOLDER }) as {
    ARN: string;
  };
  const read = (version: object): Record<string, string> => {
    const { SecretString } = secrets.handle('GetSecretValue', { SecretId, ...version }) as { SecretString: string };
    return JSON.parse(SecretString);
  };
  const begin = (ClientRequestToken: string) => secrets.handle('RotateSecret', { SecretId, ClientRequestToken });
  const { client } = database;
  const keys = new DynamoKeyStore(client, 'registry', () => NOW);
  const repository = new DynamoKeyRepository(client, 'registry', 'test', () => NOW);
  const logged: string[] = [];
  const handler = createTeamKeyRotationHandler({
    secretFor: (secretId) => teamServiceSecret(secrets.client, secretId, 'test'),
    repository,
    keys,
    putIfAbsent: async (key, record) => await keys.putIfAbsent(key, record),
    audit: new DynamoAuditLog(client, 'registry'),
    mint: (text) => mintKeyWithDerivedId('test', text),
    environmentName: 'test',
    nowEpochMs: () => NOW,
    log: (event, facts) => void logged.push(JSON.stringify({ event, ...facts })),
  });
  const step = async (Step: (typeof STEPS)[number], ClientRequestToken: string) => {
    const event: SecretsManagerRotationEvent = { Step, SecretId, ClientRequestToken };
    await handler(event, lambdaContext('rotation', 'r', 30_000));
  };
  const held = () => read({}) as { apiKey: string; keyId: string };
  return { begin, read, keys, repository, logged, step, held };
}

it('rotates by the four steps, each run twice, in the registry that the authorizer reads', async () => {
  const { begin, keys, repository, step, held, logged } = createRotation('gateway/twice-test-service');
  for (const token of ['a', 'b']) {
    begin(token);
    for (const name of STEPS) {
      await step(name, token);
      await step(name, token);
    }
    expect(await keys.identify(held().apiKey)).toEqual({ keyId: held().keyId, role: 'member', team: 'twice' });
  }
  const all = await repository.list('twice');
  expect(all).toHaveLength(2);
  expect(all.find(({ keyId }) => keyId !== held().keyId)).toMatchObject({
    rotatedTo: held().keyId,
    retireAfterEpochMs: NOW + 86_400_000,
    createdBy: 'rotation',
  });
  expect(logged.join('\n')).not.toContain('grk_');
});

it('creates one valid key when the same step runs concurrently', async () => {
  const { begin, keys, repository, step, held } = createRotation('gateway/once-test-service');
  begin('a');
  await Promise.all([step('createSecret', 'a'), step('createSecret', 'a'), step('createSecret', 'a')]);
  for (const name of STEPS) await step(name, 'a');
  expect(await keys.identify(held().apiKey)).toMatchObject({ team: 'once' });
  expect(await repository.list('once')).toHaveLength(1);
});

it('does not restore a key that was revoked between two steps', async () => {
  const { begin, read, keys, step, held, logged } = createRotation('gateway/revoked-test-service');
  begin('a');
  await step('createSecret', 'a');
  const pending = read({ VersionId: 'a' });
  await keys.revoke(pending.keyId ?? '');
  await step('createSecret', 'a');
  await expect(step('testSecret', 'a')).rejects.toThrow(`the pending key ${pending.keyId} does not work`);
  expect(held().keyId).toBeUndefined();
  expect(logged.at(-1)).toContain('rotation_failed');
});

it.each(['groq/chatbot-test-gateway', 'gateway/chatbot-prod-service'])(
  'refuses another secret, such as %s',
  async (name) => {
    const { begin, read, step } = createRotation(name);
    begin('a');
    await expect(step('createSecret', 'a')).rejects.toThrow("is no secret of a team's services");
    expect(() => read({ VersionId: 'a' })).toThrow(/can't find a value/);
  },
);
