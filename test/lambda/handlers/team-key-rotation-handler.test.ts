import type { SecretsManagerRotationEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoAudit } from '../../../lambda/adapters/dynamo-audit.ts';
import { DynamoKeyShelf } from '../../../lambda/adapters/key-shelf.ts';
import { teamServiceSecret } from '../../../lambda/adapters/service-secret.ts';
import { mintKeyFor, TeamKeys } from '../../../lambda/adapters/team-keys.ts';
import { createTeamKeyRotation } from '../../../lambda/handlers/team-key-rotation-handler.ts';
import { lambdaContext } from '../../../local/lambda-runtime.ts';
import { startTestDatabase, type TestDatabase } from '../../support/embedded-ledger.ts';
import { FakeSecretsManager } from '../../support/fake-secrets-manager.ts';

const NOW = Date.UTC(2026, 10, 25, 12);
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
const PLACEHOLDER = '{"note":"the first rotation puts a key here","placeholder":"x"}';
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('registry');
});
afterAll(async () => await database.close());

/** The deployed function over one secret of this name, and what it logs. */
function rotationOf(name: string) {
  const secrets = new FakeSecretsManager(name, PLACEHOLDER);
  const { client } = database;
  const keys = new TeamKeys(client, 'registry', () => NOW);
  const shelf = new DynamoKeyShelf(client, 'registry', 'test', () => NOW);
  const logged: string[] = [];
  const handler = createTeamKeyRotation({
    secretOf: (secretId) => teamServiceSecret(secrets.client, secretId, 'test'),
    shelf,
    keys,
    putIfAbsent: async (key, record) => await keys.putIfAbsent(key, record),
    audit: new DynamoAudit(client, 'registry'),
    mint: (text) => mintKeyFor('test', text),
    environmentName: 'test',
    nowEpochMs: () => NOW,
    log: (event, facts) => void logged.push(JSON.stringify({ event, ...facts })),
  });
  const step = async (Step: (typeof STEPS)[number], ClientRequestToken: string) => {
    const event: SecretsManagerRotationEvent = { Step, SecretId: `arn of ${name}`, ClientRequestToken };
    await handler(event, lambdaContext('rotation', 'r', 30_000));
  };
  const held = (): { apiKey: string; keyId: string } => JSON.parse(secrets.current() ?? '{}');
  return { secrets, keys, shelf, logged, step, held };
}

it('rotates by the four steps, each told twice, over the registry that the authorizer reads', async () => {
  const { secrets, keys, shelf, step, held, logged } = rotationOf('gateway/twice-test-service');
  for (const token of ['a', 'b']) {
    secrets.begin(token);
    for (const name of STEPS) {
      await step(name, token);
      await step(name, token);
    }
    expect(await keys.identify(held().apiKey)).toEqual({ keyId: held().keyId, role: 'member', team: 'twice' });
  }
  const all = await shelf.list('twice');
  expect(all).toHaveLength(2);
  expect(all.find(({ keyId }) => keyId !== held().keyId)).toMatchObject({
    rotatedTo: held().keyId,
    retireAfterEpochMs: NOW + 86_400_000,
    createdBy: 'rotation',
  });
  expect(logged.join('\n')).not.toContain('grk_');
});

it('makes one key of the same step at the same time, which works', async () => {
  const { secrets, keys, shelf, step, held } = rotationOf('gateway/once-test-service');
  secrets.begin('a');
  await Promise.all([step('createSecret', 'a'), step('createSecret', 'a'), step('createSecret', 'a')]);
  for (const name of STEPS) await step(name, 'a');
  expect(await keys.identify(held().apiKey)).toMatchObject({ team: 'once' });
  expect(await shelf.list('once')).toHaveLength(1);
});

it('brings no key back that somebody has revoked between two steps', async () => {
  const { secrets, keys, step, held, logged } = rotationOf('gateway/revoked-test-service');
  secrets.begin('a');
  await step('createSecret', 'a');
  const pending = JSON.parse(secrets.versions.get('a')?.text ?? '{}');
  await keys.revoke(pending.keyId);
  await step('createSecret', 'a');
  await expect(step('testSecret', 'a')).rejects.toThrow(`the pending key ${pending.keyId} does not work`);
  expect(held().keyId).toBeUndefined();
  expect(logged.at(-1)).toContain('rotation_failed');
});

it.each(['groq/chatbot-test-gateway', 'gateway/chatbot-prod-service'])(
  'touches no other secret, such as %s',
  async (name) => {
    const { secrets, step } = rotationOf(name);
    secrets.begin('a');
    await expect(step('createSecret', 'a')).rejects.toThrow("is no secret of a team's services");
    expect(secrets.versions.get('a')?.text).toBeUndefined();
  },
);
