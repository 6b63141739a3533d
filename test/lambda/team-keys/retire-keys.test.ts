import { describe, expect, it } from 'vitest';
import type { KeyRecord } from '../../../lambda/access/key-record.ts';
import type { AuditEntry } from '../../../lambda/kernel/audit-log.ts';
import { MS_PER_DAY } from '../../../lambda/kernel/period.ts';
import { formatRetirement, type RetirementPorts, retireKeys } from '../../../lambda/team-keys/retire-keys.ts';
import { NO_USAGE, type UsageRow } from '../../../lambda/usage/usage.ts';

const NOW = Date.UTC(2026, 10, 25, 12);
const replaced: KeyRecord = {
  keyId: 'old000000000',
  name: 'chatbot-prod-web',
  role: 'member',
  team: 'chatbot',
  createdAtEpochMs: NOW - 90 * MS_PER_DAY,
  rotatedTo: 'new000000000',
  retireAfterEpochMs: NOW - 1,
};
const { rotatedTo: _to, retireAfterEpochMs: _after, ...active } = replaced;
const used = (day: string, requests: number, voided = 0): UsageRow => ({
  ...NO_USAGE,
  team: 'chatbot',
  keyId: replaced.keyId,
  model: 'm',
  day,
  requests,
  voided,
});

/** Runs retirement over these keys. Returns its result and its writes in order. */
async function run(keys: readonly KeyRecord[], rows: readonly UsageRow[] = [], broken: Partial<RetirementPorts> = {}) {
  const writes: string[] = [];
  const entries: AuditEntry[] = [];
  const done = await retireKeys(
    {
      repository: {
        list: async (team) => keys.filter((key) => key.team === team),
        revoke: async (keyId) => void writes.push(`revoke ${keyId}`),
      },
      audit: {
        append: async (entry) => {
          writes.push('audit');
          entries.push(entry);
        },
      },
      ledger: { revokeKey: async (team, keyId) => void writes.push(`ledger ${team} ${keyId}`) },
      usage: {
        listRows: async (team, from, to) => rows.filter((row) => row.team === team && from <= row.day && row.day <= to),
      },
      nowEpochMs: NOW,
      ...broken,
    },
    ['chatbot', 'research'],
  );
  return { ...done, writes, entries };
}

describe('a replaced key', () => {
  it.each<[string, Partial<KeyRecord>, readonly UsageRow[], 'retired' | 'kept' | 'in use']>([
    ['unused since its overlap ended', {}, [], 'retired'],
    ['last used the day before yesterday', {}, [used('2026-11-23', 9)], 'retired'],
    ['used yesterday', {}, [used('2026-11-24', 1)], 'in use'],
    ['used today', {}, [used('2026-11-25', 1)], 'in use'],
    ['used for calls that Groq refused', {}, [used('2026-11-25', 0, 1)], 'in use'],
    ['whose successor is in use', {}, [{ ...used('2026-11-25', 5), keyId: 'new000000000' }], 'retired'],
    ['within its overlap', { retireAfterEpochMs: NOW + 1 }, [], 'kept'],
    ['at the last millisecond of its overlap', { retireAfterEpochMs: NOW }, [], 'retired'],
    ['that was revoked', { revokedAtEpochMs: NOW - 5 }, [used('2026-11-25', 1)], 'kept'],
    ['that has expired', { expiresAtEpochMs: NOW - 5 }, [used('2026-11-25', 1)], 'kept'],
  ])('%s', async (_what, change, rows, wanted) => {
    const { retired, inUse } = await run([{ ...replaced, ...change }], rows);
    expect([retired.length, inUse.length]).toEqual({ retired: [1, 0], kept: [0, 0], 'in use': [0, 1] }[wanted]);
  });

  it('is audited first, then revoked in the registry, then in the ledger', async () => {
    const { writes, entries } = await run([replaced]);
    expect(writes).toEqual(['audit', 'revoke old000000000', 'ledger chatbot old000000000']);
    expect(entries).toMatchObject([{ actor: 'retirement', action: 'retire_key', team: 'chatbot' }]);
  });

  it('is not revoked when the audit entry cannot be written, and other teams are processed', async () => {
    const append = async () => {
      throw new Error('no audit');
    };
    const { writes, failed, expiring } = await run(
      [replaced, { ...active, team: 'research', expiresAtEpochMs: NOW + MS_PER_DAY }],
      [],
      { audit: { append } },
    );
    expect({ writes, failed, expiring: expiring.length }).toEqual({ writes: [], failed: ['chatbot'], expiring: 1 });
  });

  it('of no team is retired when its overlap ends, since its use is not counted', async () => {
    const { team: _team, ...ofNoTeam } = replaced;
    const { writes } = await run([{ ...ofNoTeam, role: 'admin' }]);
    expect(writes).toEqual(['audit', 'revoke old000000000']);
  });

  it('that is active is never revoked', async () => {
    expect(await run([active])).toMatchObject({ retired: [], inUse: [], writes: [] });
  });
});

it.each<[string, Partial<KeyRecord>, number]>([
  ['in a week', { expiresAtEpochMs: NOW + 7 * MS_PER_DAY }, 1],
  ['later', { expiresAtEpochMs: NOW + 7 * MS_PER_DAY + 1 }, 0],
  ['never', {}, 0],
  ['no more, since it already has', { expiresAtEpochMs: NOW }, 0],
  ['soon, but was revoked', { expiresAtEpochMs: NOW + 1, revokedAtEpochMs: NOW - 1 }, 0],
  ['soon, and was made for a day', { expiresAtEpochMs: NOW + 1, createdAtEpochMs: NOW - MS_PER_DAY }, 0],
])('announces an active key that expires %s', async (_when, change, announced) => {
  expect((await run([{ ...active, ...change }])).expiring).toHaveLength(announced);
});

it('reports which key is still in use, with its request counts', async () => {
  const done = await run([replaced], [used('2026-11-24', 340), used('2026-11-25', 10), used('2026-11-25', 2)]);
  expect(formatRetirement(done)).toEqual([
    'Still in use: chatbot-prod-web (id old000000000, team chatbot), replaced by new000000000, due for retirement since ' +
      '2026-11-25T11:59:59Z: 12 requests today, 340 yesterday. It is retired once it has been unused for a day.',
  ]);
  expect(formatRetirement(await run([active]))).toEqual([]);
});
