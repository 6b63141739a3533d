import { afterAll, beforeAll, expect, it } from 'vitest';
import { NO_TRACE } from '../../../lambda/ledger/call-trace.ts';
import { type ApiResponse, KeyTestRig } from '../../support/keys/key-rig.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';
import { buildLedgerEnd } from '../../support/ledger/reservation-ends.ts';
import { startTestDatabase, type TestDatabase } from '../../support/ledger/test-database.ts';

const PATH = '/openai/v1/groq-keys';
const OLD = 'aaaaaaaaaaaa';
const NEW = 'bbbbbbbbbbbb';
const HOUR_MS = 3_600_000;

let database: TestDatabase;
let rig: KeyTestRig;
beforeAll(async () => {
  database = await startTestDatabase();
  rig = await KeyTestRig.start(database);
  const at = (hours: number) => START_MS + hours * HOUR_MS;
  await rig.groqKeys.update('ant', OLD, { currentFromEpochMs: at(-200), replacedAtEpochMs: at(-2), name: 'ant-test' });
  await rig.groqKeys.update('ant', NEW, { stagedAtEpochMs: at(-50), stagedBy: 'ops', currentFromEpochMs: at(-2) });
  await rig.groqKeys.update('bee', OLD, { currentFromEpochMs: at(-1) });
  const call = (id: string, hours: number, usedId: string | undefined, ...refusedIds: string[]) =>
    buildLedgerEnd({ id, atEpochMs: at(hours), trace: { ...NO_TRACE, groqKeys: { usedId, refusedIds } } }, 'ant');
  await rig.usage.count([call('1', -30, OLD), call('2', -3, OLD), call('3', -1, NEW, OLD), call('4', -1, NEW)]);
});
afterAll(async () => await database.close());

const readData = ({ text }: ApiResponse): Record<string, unknown>[] => JSON.parse(text).data;

it('shows an admin the Groq keys of every team, newest first, with the calls of the last day', async () => {
  const { key } = await rig.key('admin');
  const response = await rig.send(key, 'GET', PATH);
  expect(response.headers['cache-control']).toBe('no-store');
  expect(readData(response)).toMatchObject([
    { team: 'ant', key_id: NEW, state: 'current', staged_by: 'ops', requests_24h: 2, refused_24h: 0, name: null },
    {
      team: 'ant',
      key_id: OLD,
      state: 'replaced',
      requests_24h: 1,
      refused_24h: 1,
      replaced_at: '2026-11-23T22:00:00Z',
    },
    { team: 'bee', key_id: OLD, state: 'current', requests_24h: 0, current_from: '2026-11-23T23:00:00Z' },
  ]);
  expect(readData(await rig.send(key, 'GET', `${PATH}?team=bee`))).toMatchObject([{ team: 'bee' }]);
});

it.each(['lead', 'viewer'] as const)('shows a %s the keys of its own team only', async (role) => {
  const { key } = await rig.key(role, 'bee');
  expect(readData(await rig.send(key, 'GET', PATH))).toMatchObject([{ team: 'bee' }]);
  expect((await rig.send(key, 'GET', `${PATH}?team=ant`)).status).toBe(403);
});

it('refuses a member', async () => {
  const { key } = await rig.key('member', 'bee');
  expect((await rig.send(key, 'GET', PATH)).status).toBe(403);
});

it.each(['team=cow', 'teams=bee'])('refuses an unknown team or parameter: %s', async (query) => {
  const { key } = await rig.key('admin');
  expect((await rig.send(key, 'GET', `${PATH}?${query}`)).status).toBe(400);
});
