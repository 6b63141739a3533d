import type { APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_INVALID_KEYS } from '../../../../lambda/access/invalid-key-tracker.ts';
import { DynamoKeyStore } from '../../../../lambda/access/io/dynamo-key-store.ts';
import { mintKey } from '../../../../lambda/access/io/gateway-key.ts';
import { usagePlanKeyValue } from '../../../../lambda/contract.ts';
import { createAuthorizer } from '../../../../lambda/http/io/authorizer.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { deriveKey } from '../../../../local/local-keys.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
let keys: DynamoKeyStore;
let nowEpochMs = START_MS;
const made = (holder: string) => deriveKey(Buffer.from('seed'), 'test', holder);
beforeAll(async () => {
  database = await startTestDatabase('registry');
  keys = new DynamoKeyStore(database.client, 'registry', () => nowEpochMs);
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

type Authorizer = ReturnType<typeof createAuthorizer>;
let lines: string[] = [];
const fresh = (): Authorizer =>
  createAuthorizer({ keys, environmentName: 'test', nowEpochMs: () => nowEpochMs, write: (line) => lines.push(line) });
const ask = (authorizer: Authorizer, headers: Record<string, string> | null, sourceIp = '192.0.2.1') => {
  const event = {
    type: 'REQUEST',
    methodArn: 'arn:aws:execute-api:eu-west-1:1:api/prod/GET/openai/v1/models',
    headers,
    requestContext: { identity: { sourceIp } },
  };
  return authorizer(event as unknown as APIGatewayRequestAuthorizerEvent, lambdaContext('authorizer', 'r', 1_000));
};
const authorize = (headers: Record<string, string> | null) => ask(fresh(), headers);
const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });
const wrongKey = () => mintKey('test').key;
const reads = () => database.sent.get('GetItemCommand') ?? 0;

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
      usageIdentifierKey: usagePlanKeyValue('test', 'chatbot'),
      context: { keyId: made('good').keyId, role: 'member', team: 'chatbot' },
    });
  });

  it('takes the header in any case, and a key of the organisation without a team', async () => {
    expect(await authorize({ authorization: `bearer ${made('admin').key}` })).toMatchObject({
      usageIdentifierKey: usagePlanKeyValue('test', 'ORGANIZATION'),
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

  it('tells the gateway when a key ends, since API Gateway remembers it for a minute', async () => {
    nowEpochMs = START_MS;
    expect(await authorize(bearer(made('expiring').key))).toMatchObject({
      context: { expiresAtMs: String(START_MS + 1_000) },
    });
  });

  it('does the same work for a key that is unknown, revoked, expired or has another secret: one read', async () => {
    nowEpochMs = START_MS + 2_000;
    const kinds = [wrongKey(), made('revoked').key, made('expiring').key, `${made('good').key.slice(0, -3)}AAA`];
    for (const key of kinds) {
      const before = reads();
      await expect(authorize(bearer(key))).rejects.toThrow(/^Unauthorized$/);
      expect(reads() - before).toBe(1);
    }
    nowEpochMs = START_MS;
  });

  it('reads nothing for a wrong key that comes again within a minute, and never remembers a key that is made', async () => {
    const authorizer = fresh();
    const { key, keyId } = mintKey('test');
    const before = reads();
    for (let count = 0; count < 50; count++)
      await expect(ask(authorizer, bearer(key))).rejects.toThrow(/^Unauthorized$/);
    expect(reads() - before).toBe(1);
    await keys.put(key, { keyId, role: 'member', team: 'chatbot', name: 'x', createdAtEpochMs: START_MS });
    nowEpochMs = START_MS + 60_000;
    expect(await ask(authorizer, bearer(key))).toHaveProperty('context');
    nowEpochMs = START_MS;
  });

  it('does not look up new keys of a source that tries many, and goes on with the good ones and with others', async () => {
    const authorizer = fresh();
    const good = bearer(made('good').key);
    expect(await ask(authorizer, good)).toHaveProperty('context');
    for (let count = 0; count < MAX_INVALID_KEYS; count++)
      await expect(ask(authorizer, bearer(wrongKey()))).rejects.toThrow(/^Unauthorized$/);
    const before = reads();
    const again = wrongKey();
    for (const key of [again, again, made('revoked').key, made('admin').key])
      await expect(ask(authorizer, bearer(key))).rejects.toMatchObject({ name: 'ThrottledError' });
    expect(reads()).toBe(before);
    expect(await ask(authorizer, good)).toHaveProperty('context');
    expect(await ask(authorizer, bearer(made('admin').key), '192.0.2.2')).toHaveProperty('context');
    nowEpochMs = START_MS + 60_000;
    expect(await ask(authorizer, bearer(made('admin').key))).toHaveProperty('context');
    nowEpochMs = START_MS;
  });

  it('tells no key that was good from one that never was, once a source is held back', async () => {
    const authorizer = fresh();
    const { key, keyId } = mintKey('test');
    await keys.put(key, { keyId, role: 'member', team: 'chatbot', name: 'x', createdAtEpochMs: START_MS });
    expect(await ask(authorizer, bearer(key))).toHaveProperty('context');
    for (let count = 0; count < MAX_INVALID_KEYS; count++) await ask(authorizer, bearer(wrongKey())).catch(() => {});
    await keys.revoke(keyId);
    for (const one of [key, key, wrongKey()])
      await expect(ask(authorizer, bearer(one))).rejects.toMatchObject({ name: 'ThrottledError' });
  });

  it('counts wrong keys for the alarm, by a line a second at most, which holds no key', async () => {
    const authorizer = fresh();
    lines = [];
    const key = wrongKey();
    for (let count = 0; count < 10; count++) await ask(authorizer, bearer(key)).catch(() => {});
    nowEpochMs = START_MS + 1_000;
    await ask(authorizer, bearer(key)).catch(() => {});
    const told = lines.map((line) => JSON.parse(line));
    expect(told.map(({ UnknownKeys }) => UnknownKeys)).toEqual([1, 10]);
    expect(told[0]).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: 'GroqGateway', Dimensions: [['Environment']] }] },
      Environment: 'test',
      KeyCheckFaults: 0,
      source: '192.0.2.1',
    });
    expect(lines.join()).not.toContain(key);
    nowEpochMs = START_MS;
  });

  it('fails, rather than refuse or admit, when the registry cannot be read', async () => {
    const broken = new DynamoKeyStore(database.client, 'no-such-table', () => START_MS);
    await expect(broken.identify(made('good').key)).rejects.toMatchObject({ name: 'StoreError', store: 'registry' });
  });
});
