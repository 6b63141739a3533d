import { expect, it } from 'vitest';
import { postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();
const KEYS = '/openai/v1/api-keys';
const TEAM = 'roomy';

/** Sends a request to the deployed administrative API. */
async function sendRequest(
  key: string,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
) {
  const response = await fetch(target.baseUrl + path, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: JSON.parse(await response.text()) };
}
const keyName = (purpose: string) => `${TEAM}-${target.environmentName}-${purpose}`;
const chatStatus = async (key: string, model = 'openai/gpt-oss-20b') => (await postChat(target, key, { model })).status;

it('creates a narrowed key, rotates it, accepts both, and refuses each from the next call after its revocation', async () => {
  const asked = { name: keyName('api'), allowed_models: ['openai/gpt-oss-20b'], monthly_budget_usd: 1 };
  const { status, json: made } = await sendRequest(target.adminKey, 'POST', KEYS, asked);
  expect([status, made]).toMatchObject([
    201,
    { ...asked, team: TEAM, role: 'member', key: expect.stringMatching(/^grk_/) },
  ]);
  expect([await chatStatus(made.key), await chatStatus(made.key, 'openai/gpt-oss-120b')]).toEqual([200, 403]);
  const { json: next } = await sendRequest(made.key, 'POST', `${KEYS}/me/rotate`, { overlap_hours: 1 });
  expect(next).toMatchObject({ monthly_budget_usd: 1, replaces: { id: made.id, status: 'replaced' } });
  expect([await chatStatus(made.key), await chatStatus(next.key)]).toEqual([200, 200]);
  for (const { id, key } of [made, next]) {
    expect(await sendRequest(target.adminKey, 'DELETE', `${KEYS}/${id}?reason=rehearsed`)).toMatchObject({
      status: 200,
      json: { status: 'revoked' },
    });
    // API Gateway has the key in its cache; the ledger and the administrative API refuse it.
    expect([await chatStatus(key), (await sendRequest(key, 'GET', `${KEYS}/me`)).status]).toEqual([401, 401]);
  }
  const { json: trail } = await sendRequest(target.adminKey, 'GET', '/openai/v1/audit?limit=100');
  const acts = trail.data.filter(({ subject }: { subject: string }) =>
    [made.id, next.id].some((id) => subject.includes(id)),
  );
  expect(acts.map(({ action }: { action: string }) => action).reverse()).toEqual([
    'create_key',
    'rotate_key',
    'revoke_key',
    'revoke_key',
  ]);
  expect(JSON.stringify(trail)).not.toContain(made.key.slice(-43));
});

it('creates one key for one Idempotency-Key', async () => {
  const headers = { 'idempotency-key': `rehearsal-${Math.random()}` };
  const both = [1, 2].map(() => () => sendRequest(target.adminKey, 'POST', KEYS, { name: keyName('once') }, headers));
  const [first, second] = [await both[0]?.(), await both[1]?.()];
  expect([first?.status, second?.json]).toEqual([201, first?.json]);
});

it('limits a lead to its own team, and to the limits of that team', async () => {
  const { json: lead } = await sendRequest(target.adminKey, 'POST', KEYS, { name: keyName('lead'), role: 'lead' });
  const { json: listed } = await sendRequest(lead.key, 'GET', KEYS);
  expect(new Set(listed.data.map(({ team }: { team: string }) => team))).toEqual(new Set([TEAM]));
  const { json: trail } = await sendRequest(lead.key, 'GET', '/openai/v1/audit');
  expect(new Set(trail.data.map(({ team }: { team: string }) => team))).toEqual(new Set([TEAM]));
  const other = `counted-${target.environmentName}-x`;
  expect((await sendRequest(lead.key, 'POST', KEYS, { name: other })).status).toBe(403);
  expect((await sendRequest(lead.key, 'POST', KEYS, { name: keyName('x'), role: 'lead' })).status).toBe(403);
  expect(
    (await sendRequest(lead.key, 'POST', KEYS, { name: keyName('x'), monthly_budget_usd: 101 })).json.error,
  ).toMatchObject({
    code: 'key_too_wide',
    param: 'monthly_budget_usd',
  });
});
