import { expect, it } from 'vitest';
import type { KeyRecord } from '../../../../lambda/access/key-record.ts';
import { MS_PER_DAY } from '../../../../lambda/kernel/period.ts';
import {
  createKeyRetirementHandler,
  type KeyRetirementHandlerPorts,
} from '../../../../lambda/team-keys/io/key-retirement-handler.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';

const NOW = Date.UTC(2026, 10, 25, 12);
const key: KeyRecord = {
  keyId: 'old000000000',
  name: 'chatbot-prod-web',
  role: 'member',
  team: 'chatbot',
  createdAtEpochMs: NOW - 90 * MS_PER_DAY,
  rotatedTo: 'new000000000',
  retireAfterEpochMs: NOW - 1,
};

/** Runs the handler once. Returns what was revoked, logged and sent, and the error, if any. */
async function run(keys: readonly KeyRecord[], change: Partial<KeyRetirementHandlerPorts> = {}) {
  const revoked: string[] = [];
  const logged: string[] = [];
  const messages: (readonly string[])[] = [];
  const handler = createKeyRetirementHandler({
    repository: {
      list: async (team) => keys.filter((one) => one.team === team),
      revoke: async (keyId) => void revoked.push(keyId),
    },
    audit: { append: async () => undefined },
    ledger: { revokeKey: async () => undefined },
    usage: { listRows: async () => [] },
    teams: async () => ['chatbot'],
    notify: async (_subject, lines) => void messages.push(lines),
    nowEpochMs: () => NOW,
    environmentName: 'test',
    log: (event) => void logged.push(event),
    ...change,
  });
  const fault = await handler({}, lambdaContext('retirement', 'r', 60_000)).then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { revoked, logged, messages, fault };
}

it('sends one message per run, and logs a line per key', async () => {
  const expiring = { ...key, keyId: 'soon', rotatedTo: undefined, expiresAtEpochMs: NOW + 1 };
  const { rotatedTo: _active, ...ends } = expiring;
  const { messages, logged, fault } = await run([key, ends]);
  expect(messages).toEqual([[expect.stringMatching(/^Expires soon/), expect.stringMatching(/^Retired/)]]);
  expect([logged, fault]).toEqual([['key_retired', 'key_expires_soon'], undefined]);
});

it('sends no message when there is nothing to report', async () => {
  expect(await run([])).toEqual({ revoked: [], logged: [], messages: [], fault: undefined });
});

it('retires keys even if the message cannot be sent, and then fails', async () => {
  const notify = async () => {
    throw new Error('no topic');
  };
  expect(await run([key], { notify })).toEqual({
    revoked: ['old000000000'],
    logged: ['key_retired', 'retirement_notification_failed'],
    messages: [],
    fault: 'could not notify the operators',
  });
});

it('fails with the names of the teams whose keys could not be read', async () => {
  const list = async () => {
    throw new Error('no table');
  };
  const { fault } = await run([], { repository: { list, revoke: async () => undefined } });
  expect(fault).toBe('could not retire the keys of the organisation, chatbot');
});
