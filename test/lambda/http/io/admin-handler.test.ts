import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdminHandler } from '../../../../lambda/http/io/admin-handler.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { chatEvent } from '../../../support/gateway/gateway-in-process.ts';
import { type ApiResponse, KeyTestRig, MODELS } from '../../../support/keys/key-rig.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
let rig: KeyTestRig;
let admin: string;
const KEYS = '/openai/v1/api-keys';
beforeAll(async () => {
  database = await startTestDatabase();
  rig = await KeyTestRig.start(database);
  admin = (await rig.key('admin')).key;
});
afterAll(async () => await database.close());
const json = ({ text }: ApiResponse) => JSON.parse(text);
const refusalCode = (answer: ApiResponse) => [answer.status, json(answer).error.code];

describe('POST /openai/v1/api-keys', () => {
  it('creates a key that is shown once and works within its scope', async () => {
    const answer = await rig.send(admin, 'POST', KEYS, { name: 'ant-test-chat', allowed_models: [MODELS[0]] });
    expect([answer.status, answer.headers['cache-control'], answer.headers['x-request-id']]).toEqual([
      201,
      'no-store',
      expect.any(String),
    ]);
    const { key, ...shown } = json(answer);
    expect(shown).toMatchObject({
      object: 'api_key',
      name: 'ant-test-chat',
      team: 'ant',
      role: 'member',
      status: 'active',
      allowed_models: [MODELS[0]],
      created_at: '2026-11-24T00:00:00Z',
    });
    expect((await rig.chat(key, MODELS[0])).status).toBe(200);
    expect(refusalCode(await rig.chat(key, MODELS[1]))).toEqual([403, 'model_not_allowed']);
    const found = await rig.send(admin, 'GET', `${KEYS}/${shown.id}`);
    expect(json(found)).toEqual({ ...shown, last_used_on: null, requests_this_month: 0, cost_this_month_usd: '0' });
  });

  it.each<[string, unknown, number, string]>([
    ['no JSON', '{', 400, 'invalid_request'],
    ['a key wider than its team', { name: 'bee-test', allowed_models: [MODELS[1]] }, 400, 'key_too_wide'],
    ['an expiry outside the range of dates', { name: 'bee-test', expires_at: 1e300 }, 400, 'invalid_request'],
  ])('refuses %s', async (_what, body, status, code) => {
    expect(refusalCode(await rig.send(admin, 'POST', KEYS, body))).toEqual([status, code]);
  });

  it('creates one key for all retries with the same Idempotency-Key, however the header is written', async () => {
    const body = { name: 'ant-test-once' };
    const headers = { 'idempotency-key': 'a' };
    const first = await rig.send(admin, 'POST', KEYS, body, headers);
    const retry = await rig.send(admin, 'POST', KEYS, body, { ...headers, Authorization: `bearer  ${admin} ` });
    expect([retry.status, retry.text, retry.headers['idempotency-replayed']]).toEqual([201, first.text, 'true']);
    expect(retry.headers['cache-control']).toBe('no-store');
    expect(refusalCode(await rig.send(admin, 'POST', KEYS, { name: 'ant-test-other' }, headers))).toEqual([
      409,
      'idempotency_conflict',
    ]);
    expect((await rig.send(admin, 'POST', KEYS, body, { 'idempotency-key': '' })).status).toBe(400);
  });

  it('replays no response to a caller whose key was revoked in between, even if API Gateway still accepts it', async () => {
    const { key, keyId } = await rig.key('lead', 'ant');
    const body = { name: 'ant-test-late' };
    expect((await rig.send(key, 'POST', KEYS, body, { 'idempotency-key': 'a' })).status).toBe(201);
    await rig.send(admin, 'DELETE', `${KEYS}/${keyId}`);
    const retry = await rig.send(key, 'POST', KEYS, body, { 'idempotency-key': 'a' });
    expect(refusalCode(retry)).toEqual([401, 'invalid_api_key']);
    expect(retry.text).not.toContain('grk_');
  });
});

describe('the other routes', () => {
  it('rotate a key with or without an overlap', async () => {
    const { key, keyId } = await rig.key('member', 'bee', { scope: { usd: 1 } });
    const rotated = await rig.send(key, 'POST', `${KEYS}/me/rotate`, { overlap_hours: 1 });
    const { key: next, ...shown } = json(rotated);
    expect([rotated.status, shown]).toMatchObject([
      201,
      { monthly_budget_usd: 1, replaces: { id: keyId, status: 'replaced', retires_after: '2026-11-24T01:00:00Z' } },
    ]);
    for (const working of [key, next]) expect((await rig.chat(working, MODELS[0])).status).toBe(200);
    const last = await rig.send(next, 'POST', `${KEYS}/me/rotate`, { overlap_hours: 0, reason: 'leaked' });
    expect(json(last)).toMatchObject({ replaces: { id: shown.id, status: 'revoked' } });
    expect(refusalCode(await rig.chat(next, MODELS[0]))).toEqual([401, 'invalid_api_key']);
    expect((await rig.chat(json(last).key, MODELS[0])).status).toBe(200);
  });

  it.each<[unknown, string]>([
    [{ overlap_hour: 1 }, 'did you mean \\"overlap_hours\\"'],
    [{ overlap_hours: 'long' }, 'must be hours as a number'],
    [{ reason: 5 }, 'must be text'],
    ['[', 'not a JSON object'],
  ])('refuse the rotation body %j', async (body, message) => {
    const answer = await rig.send(admin, 'POST', `${KEYS}/me/rotate`, body);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(message)]);
  });

  it('revoke a key for chat calls at once, and everywhere within a minute', async () => {
    const { key, keyId } = await rig.key('member', 'bee');
    expect((await rig.chat(key, MODELS[0])).status).toBe(200);
    const answer = await rig.send(admin, 'DELETE', `${KEYS}/${keyId}?reason=gone`);
    expect([answer.status, json(answer)]).toMatchObject([200, { id: keyId, status: 'revoked', deleted: true }]);
    expect(refusalCode(await rig.chat(key, MODELS[0]))).toEqual([401, 'invalid_api_key']);
    expect((await rig.send(key, 'GET', '/openai/v1/models')).status).toBe(200);
    rig.nowEpochMs += 60_000;
    expect((await rig.send(key, 'GET', '/openai/v1/models')).status).toBe(401);
  });

  it('refuse an expired key to the millisecond, even if API Gateway has cached it', async () => {
    const { key } = await rig.key('member', 'bee', { expiresAtEpochMs: rig.nowEpochMs + 1_000 });
    expect((await rig.chat(key, MODELS[0])).status).toBe(200);
    rig.nowEpochMs += 1_000;
    for (const path of ['/openai/v1/models', '/openai/v1/budget', `${KEYS}/me`])
      expect(refusalCode(await rig.send(key, 'GET', path))).toEqual([401, 'invalid_api_key']);
    expect(refusalCode(await rig.chat(key, MODELS[0]))).toEqual([401, 'invalid_api_key']);
  });

  it('let a key scoped to other endpoints read itself and nothing else', async () => {
    const { key, keyId } = await rig.key('lead', 'bee', { scope: { endpoints: ['chat'] } });
    expect(json(await rig.send(key, 'GET', `${KEYS}/me`))).toMatchObject({ id: keyId, endpoints: ['chat'] });
    for (const [method, path] of [
      ['GET', KEYS],
      ['POST', `${KEYS}/me/rotate`],
      ['DELETE', `${KEYS}/me`],
      ['GET', '/openai/v1/audit'],
      ['GET', '/openai/v1/groq-keys'],
    ] as const)
      expect(refusalCode(await rig.send(key, method, path))).toEqual([403, 'forbidden']);
  });

  it('show the audit trail of a team to its lead, all of it to an admin, and none to others', async () => {
    const lead = (await rig.key('lead', 'bee')).key;
    await rig.send(lead, 'POST', KEYS, { name: 'bee-test-seen' });
    rig.nowEpochMs++;
    await rig.send(admin, 'POST', KEYS, { name: 'ant-test-unseen' });
    const own = json(await rig.send(lead, 'GET', '/openai/v1/audit'));
    expect(own.data[0]).toMatchObject({
      action: 'create_key',
      team: 'bee',
      source: '192.0.2.1',
      details: expect.stringContaining('bee-test-seen'),
    });
    expect(new Set(own.data.map(({ team }: { team: string }) => team))).toEqual(new Set(['bee']));
    const all = json(await rig.send(admin, 'GET', '/openai/v1/audit?limit=1'));
    expect(all.data).toMatchObject([{ team: 'ant' }]);
    for (const role of ['member', 'viewer'] as const)
      expect((await rig.send((await rig.key(role, 'bee')).key, 'GET', '/openai/v1/audit')).status).toBe(403);
    for (const query of ['month=2026-13', 'limit=0', 'limit=1001', 'limits=5'])
      expect((await rig.send(admin, 'GET', `/openai/v1/audit?${query}`)).status).toBe(400);
  });

  it.each([
    ['PUT', KEYS, 405, 'GET, POST'],
    ['POST', `${KEYS}/abc`, 405, 'GET, DELETE'],
    ['GET', `${KEYS}/abc/rotate`, 405, 'POST'],
    ['DELETE', '/openai/v1/audit', 405, 'GET'],
    ['POST', '/openai/v1/groq-keys', 405, 'GET'],
    ['POST', `${KEYS}/abc/revive`, 404, undefined],
    ['GET', `${KEYS}/a/b/c`, 404, undefined],
    ['GET', `${KEYS}/%E0%A4%A`, 404, undefined],
  ])('list the methods that they serve: %s %s', async (method, path, status, allow) => {
    const answer = await rig.send(admin, method, path);
    expect([answer.status, answer.headers.allow]).toEqual([status, allow]);
  });
});

it('reveals only the request id of a fault', async () => {
  const logged: unknown[] = [];
  const loadPorts = async () => {
    throw new Error('secret detail', { cause: new TypeError('more') });
  };
  const handler = createAdminHandler({ loadPorts, log: (...all) => logged.push(all) });
  const answer = await handler(chatEvent({}, { path: KEYS }, 'r1'), lambdaContext('admin', 'r1', 1_000));
  expect([answer.statusCode, answer.headers]).toMatchObject([503, { 'retry-after': '1', 'x-request-id': 'r1' }]);
  expect(answer.body).not.toContain('secret');
  expect(logged).toEqual([['fault', { requestId: 'r1', error: 'Error', cause: 'TypeError' }]]);
  expect(START_MS).toBeLessThan(rig.nowEpochMs);
});
