import { createHash } from 'node:crypto';
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

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');
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
  it('identifies the caller in a policy for the whole stage, because API Gateway caches it across methods', async () => {
    expect(await authorize({ Authorization: `Bearer ${made('good').key}` })).toEqual({
      principalId: made('good').keyId,
      policyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: 'arn:aws:execute-api:eu-west-1:1:api/prod/*' },
        ],
      },
      usageIdentifierKey: usagePlanKeyValue('test', 'chatbot', sha256Hex),
      context: { keyId: made('good').keyId, role: 'member', team: 'chatbot' },
    });
  });

  it('accepts the header in any case, and an organisation key without a team', async () => {
    expect(await authorize({ authorization: `bearer ${made('admin').key}` })).toMatchObject({
      usageIdentifierKey: usagePlanKeyValue('test', 'ORGANIZATION', sha256Hex),
      context: { role: 'admin' },
    });
  });

  it('accepts a canary key only as a member of the canary team', async () => {
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

  it('refuses a key from the moment it expires', async () => {
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
  ])('answers Unauthorized and nothing else to %s', async (_what, headers) => {
    await expect(authorize(headers)).rejects.toThrow(/^Unauthorized$/);
  });

  it('passes the expiry of the key to the gateway, because API Gateway caches the result for a minute', async () => {
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

  it('reads an invalid key once a minute, and accepts it as soon as a key is created for it', async () => {
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

  it('looks up no new keys of a source over its limit, and still accepts its known keys and other sources', async () => {
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

  it('refuses once valid and never valid keys alike once a source is over its limit', async () => {
    const authorizer = fresh();
    const { key, keyId } = mintKey('test');
    await keys.put(key, { keyId, role: 'member', team: 'chatbot', name: 'x', createdAtEpochMs: START_MS });
    expect(await ask(authorizer, bearer(key))).toHaveProperty('context');
    for (let count = 0; count < MAX_INVALID_KEYS; count++) await ask(authorizer, bearer(wrongKey())).catch(() => {});
    await keys.revoke(keyId);
    for (const presented of [key, key, wrongKey()])
      await expect(ask(authorizer, bearer(presented))).rejects.toMatchObject({ name: 'ThrottledError' });
  });

  it('counts invalid keys in at most one log line per second, without the keys', async () => {
    const authorizer = fresh();
    lines = [];
    const key = wrongKey();
    for (let count = 0; count < 10; count++) await ask(authorizer, bearer(key)).catch(() => {});
    nowEpochMs = START_MS + 1_000;
    await ask(authorizer, bearer(key)).catch(() => {});
    const reports = lines.map((line) => JSON.parse(line));
    expect(reports.map(({ UnknownKeys }) => UnknownKeys)).toEqual([1, 10]);
    expect(reports[0]).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: 'GroqGateway', Dimensions: [['Environment']] }] },
      Environment: 'test',
      KeyCheckFaults: 0,
      source: '192.0.2.1',
    });
    expect(lines.join()).not.toContain(key);
    nowEpochMs = START_MS;
  });

  it('throws when the registry cannot be read, instead of refusing or accepting the key', async () => {
    const broken = new DynamoKeyStore(database.client, 'no-such-table', () => START_MS);
    await expect(broken.identify(made('good').key)).rejects.toMatchObject({ name: 'StoreError', store: 'registry' });
  });
});
