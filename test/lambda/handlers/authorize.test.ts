import type { APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintKey, TeamKeys } from '../../../lambda/adapters/team-keys.ts';
import { planKeyValue } from '../../../lambda/contract.ts';
import { createAuthorizer } from '../../../lambda/handlers/authorize.ts';
import { lambdaContext } from '../../../local/lambda-runtime.ts';
import { deriveKey } from '../../../local/local-keys.ts';
import { startTestDatabase, type TestDatabase } from '../../support/embedded-ledger.ts';
import { START_MS } from '../../support/ledger-terms.ts';

let database: TestDatabase;
let keys: TeamKeys;
let nowEpochMs = START_MS;
const made = (holder: string) => deriveKey(Buffer.from('seed'), 'test', holder);
beforeAll(async () => {
  database = await startTestDatabase('registry');
  keys = new TeamKeys(database.client, 'registry', () => nowEpochMs);
  const put = async (holder: string, more: object) => {
    const { key, keyId } = made(holder);
    await keys.put(key, { keyId, role: 'member', team: 'chatbot', name: holder, createdAtEpochMs: START_MS, ...more });
  };
  await put('good', {});
  await put('admin', { role: 'admin', team: undefined });
  await put('revoked', { revokedAtEpochMs: START_MS - 1 });
  await put('expiring', { expiresAtEpochMs: START_MS + 1_000 });
});
afterAll(async () => await database.close());

const authorize = (headers: Record<string, string> | null) => {
  const event = {
    type: 'REQUEST',
    methodArn: 'arn:aws:execute-api:eu-west-1:1:api/prod/GET/openai/v1/models',
    headers,
  };
  return createAuthorizer(keys, 'test')(
    event as unknown as APIGatewayRequestAuthorizerEvent,
    lambdaContext('authorizer', 'r', 1_000),
  );
};

describe('the authorizer', () => {
  it('tells who a key stands for, by a policy for the whole stage, since API Gateway caches it for every method', async () => {
    expect(await authorize({ Authorization: `Bearer ${made('good').key}` })).toEqual({
      principalId: made('good').keyId,
      policyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: 'arn:aws:execute-api:eu-west-1:1:api/prod/*' },
        ],
      },
      usageIdentifierKey: planKeyValue('test', 'chatbot'),
      context: { keyId: made('good').keyId, role: 'member', team: 'chatbot' },
    });
  });

  it('takes the header in any case, and a key of the organisation without a team', async () => {
    expect(await authorize({ authorization: `bearer ${made('admin').key}` })).toMatchObject({
      usageIdentifierKey: planKeyValue('test', 'ORGANIZATION'),
      context: { role: 'admin' },
    });
  });

  it('takes a canary key for the canary alone, whoever has made it', async () => {
    const put = async (more: object) => {
      const { key, keyId } = mintKey('test', 'canary');
      await keys.put(key, {
        keyId,
        role: 'member',
        team: 'groq-rbac-canary',
        name: 'x',
        createdAtEpochMs: START_MS,
        ...more,
      });
      return await keys.identify(key);
    };
    expect(await put({})).toMatchObject({ team: 'groq-rbac-canary' });
    expect(await put({ team: 'chatbot' })).toBeUndefined();
    expect(await put({ role: 'admin' })).toBeUndefined();
  });

  it('stops taking a key at the moment it expires', async () => {
    const headers = { Authorization: `Bearer ${made('expiring').key}` };
    nowEpochMs = START_MS + 999;
    expect(await authorize(headers)).toHaveProperty('context');
    nowEpochMs = START_MS + 1_000;
    await expect(authorize(headers)).rejects.toThrow(/^Unauthorized$/);
  });

  it.each([
    ['no headers', null],
    ['no key', {}],
    ['another scheme', { Authorization: 'Basic x' }],
    ['an unknown key', { Authorization: `Bearer ${made('stranger').key}` }],
    ['a revoked key', { Authorization: `Bearer ${made('revoked').key}` }],
    ['a known id with another secret', { Authorization: `Bearer ${made('good').key.slice(0, -3)}AAA` }],
    [
      'the same secret under another id',
      { Authorization: `Bearer ${made('good').key.replace(made('good').keyId, made('admin').keyId)}` },
    ],
  ])('says Unauthorized, and nothing else, to %s', async (_what, headers) => {
    await expect(authorize(headers)).rejects.toThrow(/^Unauthorized$/);
  });

  it('fails, rather than refuse or admit, when the registry cannot be read', async () => {
    const broken = new TeamKeys(database.client, 'no-such-table', () => START_MS);
    await expect(broken.identify(made('good').key)).rejects.toMatchObject({ name: 'RegistryError' });
  });
});
