import { describe, expect, it } from 'vitest';
import { findKey, listKeys } from '../../../lambda/team-keys/key-access.ts';
import { createKey, revokeKey } from '../../../lambda/team-keys/key-operations.ts';
import { nextKeyName, rotateKey } from '../../../lambda/team-keys/key-rotation.ts';
import { createMemoryKeyPorts } from '../../support/keys/memory-key-repository.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const lead = { role: 'lead', team: 'ant' } as const;
const member = { role: 'member', team: 'ant' } as const;
const DAY = { overlapHours: 24, reason: '' };
const MS_PER_DAY = 86_400_000;

describe('creating a key', () => {
  it('writes an audit entry first, with the key id, the actor and the source', async () => {
    const { ports, entries, repository, addCaller } = createMemoryKeyPorts();
    const by = addCaller('leadleadlead', lead);
    const made = await createKey(ports, by, '{"name":"ant-test-x","monthly_budget_usd":5}');
    const keyId = 'record' in made ? made.record.keyId : '';
    expect(repository.records.get(keyId)).toMatchObject({ ...member, createdBy: 'leadleadlead', scope: { usd: 5 } });
    expect(entries).toEqual([
      {
        atEpochMs: START_MS,
        id: 'id1',
        requestId: 'r1',
        actor: 'leadleadlead',
        source: '192.0.2.1',
        action: 'create_key',
        subject: `key ${keyId}`,
        team: 'ant',
        details: 'none → ant-test-x, role member, narrowed to {"usd":5}',
      },
    ]);
  });

  it('fails when the audit entry cannot be written', async () => {
    const { ports, repository, addCaller } = createMemoryKeyPorts();
    const append = async () => {
      throw new Error('no trail');
    };
    const by = addCaller('leadleadlead', lead);
    await expect(createKey({ ...ports, audit: { append } }, by, '{"name":"ant-test"}')).rejects.toThrow('no trail');
    expect(repository.records.size).toBe(1);
  });

  it.each([
    ['revoked', { revokedAtEpochMs: START_MS - 1 }],
    ['expired', { expiresAtEpochMs: START_MS }],
  ])(
    'is refused to a %s key, as is every other operation, even while API Gateway caches its authorization',
    async (_what, more) => {
      const { ports, entries, addCaller } = createMemoryKeyPorts();
      const by = addCaller('leadleadlead', lead, more);
      const mine = addCaller('membermember', member);
      const refused = { reason: 'invalid_api_key' };
      expect(await createKey(ports, by, '{"name":"ant-test"}')).toMatchObject(refused);
      expect(await listKeys(ports, by, undefined)).toMatchObject(refused);
      expect(await findKey(ports, by, mine.identity.keyId, 'read_keys')).toMatchObject(refused);
      expect(await revokeKey(ports, by, 'membermember', '')).toMatchObject(refused);
      expect(await rotateKey(ports, by, 'membermember', DAY)).toMatchObject(refused);
      expect(entries).toEqual([]);
    },
  );
});

describe('listing keys', () => {
  const seenBy = async (
    identity: Parameters<ReturnType<typeof createMemoryKeyPorts>['addCaller']>[1],
    team?: string,
  ) => {
    const { ports, addCaller } = createMemoryKeyPorts();
    addCaller('antmember001', member);
    addCaller('beemember001', { role: 'member', team: 'bee' });
    addCaller('adminadmin01', { role: 'admin' });
    const found = await listKeys(ports, addCaller('mememememe01', identity), team);
    return 'reason' in found ? found.reason : found.map(({ keyId }) => keyId).filter((id) => id !== 'mememememe01');
  };
  it('returns the keys that the role may see', async () => {
    expect(await seenBy({ role: 'admin' })).toEqual(['adminadmin01', 'antmember001', 'beemember001']);
    expect(await seenBy({ role: 'admin' }, 'bee')).toEqual(['beemember001']);
    expect(await seenBy(lead)).toEqual(['antmember001']);
    expect(await seenBy({ role: 'viewer', team: 'bee' })).toEqual(['beemember001']);
    expect(await seenBy(member)).toEqual([]);
    expect(await seenBy(lead, 'bee')).toBe('forbidden');
    expect(await seenBy(lead, 'ant')).toEqual(['antmember001']);
    expect(await seenBy({ role: 'admin' }, 'bea')).toBe('invalid_request');
  });

  it('returns none to a lead without a team', async () => {
    expect(await seenBy({ role: 'lead' })).toEqual([]);
  });

  it('agrees with finding one key: another team’s key counts as not found', async () => {
    const { ports, addCaller } = createMemoryKeyPorts();
    const by = addCaller('leadleadlead', lead);
    addCaller('beemember001', { role: 'member', team: 'bee' });
    const foreign = await findKey(ports, by, 'beemember001', 'read_keys');
    const none = await findKey(ports, by, 'beemember002', 'read_keys');
    expect(foreign).toEqual({ ...none, message: expect.stringContaining('beemember001') });
    expect(await findKey(ports, by, 'me', 'read_keys')).toMatchObject({ found: { keyId: 'leadleadlead' } });
  });
});

describe('revoking a key', () => {
  it('revokes it in the registry and in the ledger, with an audit entry that has its previous status', async () => {
    const { ports, repository, entries, revoked, addCaller } = createMemoryKeyPorts();
    addCaller('membermember', member);
    const by = addCaller('leadleadlead', lead);
    expect(await revokeKey(ports, by, 'membermember', 'leaked')).toMatchObject({ revokedAtEpochMs: START_MS });
    expect(repository.records.get('membermember')).toHaveProperty('revokedAtEpochMs');
    expect(revoked).toEqual(['ant/membermember']);
    expect(entries).toMatchObject([
      { action: 'revoke_key', subject: 'key membermember', details: 'ant-test-membermember: active → revoked; leaked' },
    ]);
  });

  it('is refused to a viewer, and to a member for keys other than its own', async () => {
    const { ports, addCaller } = createMemoryKeyPorts();
    const own = addCaller('membermember', member);
    addCaller('othermember0', member);
    const viewer = addCaller('viewerviewer', { role: 'viewer', team: 'ant' });
    expect(await revokeKey(ports, viewer, 'membermember', '')).toMatchObject({ reason: 'forbidden' });
    expect(await revokeKey(ports, own, 'othermember0', '')).toMatchObject({ reason: 'key_not_found' });
    expect(await revokeKey(ports, own, 'me', '')).toMatchObject({ keyId: 'membermember' });
  });
});

describe('rotating a key', () => {
  it('creates a key with the same rights, expiry and ledger entry, valid together with the old one', async () => {
    const { ports, repository, entries, addCaller } = createMemoryKeyPorts();
    const scope = { usd: 5, models: ['openai/gpt-oss-20b'] };
    const expiresAtEpochMs = START_MS + MS_PER_DAY;
    const own = addCaller('membermember', { ...member, scope, expiresAtEpochMs });
    const made = await rotateKey(ports, own, 'me', DAY);
    expect(made).toMatchObject({
      record: {
        ...member,
        scope: { ...scope, line: 'membermember' },
        expiresAtEpochMs,
        name: 'ant-test-membermember-2026-11',
      },
      old: { rotatedTo: 'new000000001', retireAfterEpochMs: START_MS + MS_PER_DAY },
    });
    expect(repository.records.get('membermember')).not.toHaveProperty('revokedAtEpochMs');
    expect(entries[0]?.details).toContain('(key new000000001); both work until');
    const again = await rotateKey(ports, { ...own, identity: { ...own.identity, keyId: 'new000000001' } }, 'me', DAY);
    expect(again).toMatchObject({ record: { scope: { line: 'membermember' }, name: 'ant-test-membermember-2026-11' } });
    expect(await rotateKey(ports, own, 'me', DAY)).toMatchObject({ reason: 'invalid_request' });
  });

  it('revokes the old key at once without an overlap', async () => {
    const { ports, repository, revoked, addCaller } = createMemoryKeyPorts();
    const own = addCaller('membermember', member);
    expect(await rotateKey(ports, own, 'me', { overlapHours: 0, reason: 'leaked' })).toHaveProperty('key');
    expect(repository.records.get('membermember')).toHaveProperty('revokedAtEpochMs');
    expect(revoked).toEqual(['ant/membermember']);
  });

  it.each([-1, 169, Number.NaN])('refuses an overlap of %d hours', async (overlapHours) => {
    const { ports, addCaller } = createMemoryKeyPorts();
    const own = addCaller('membermember', member);
    expect(await rotateKey(ports, own, 'me', { overlapHours, reason: '' })).toMatchObject({ param: 'overlap_hours' });
  });

  it.each<[string, object, object, string]>([
    ['has more rights', { ...lead, scope: { models: ['openai/gpt-oss-20b'] } }, member, 'key_too_wide'],
    ['could spend more than the caller', { ...lead, scope: { usd: 1 } }, member, 'key_too_wide'],
    ['outlives it', { ...lead, expiresAtEpochMs: START_MS + 1 }, member, 'key_too_wide'],
    ['is another lead’s', lead, lead, 'forbidden'],
  ])('is refused to a caller for a key that %s', async (_what, callerIs, keyIs, reason) => {
    const { ports, repository, addCaller } = createMemoryKeyPorts();
    const by = addCaller('leadleadlead', callerIs as typeof lead);
    addCaller('otherother00', keyIs as typeof lead);
    expect(await rotateKey(ports, by, 'otherother00', DAY)).toMatchObject({ reason });
    expect(repository.records.size).toBe(2);
  });

  it('succeeds once when two requests race, and revokes the other new key', async () => {
    const { ports, repository, addCaller } = createMemoryKeyPorts();
    const own = addCaller('membermember', member);
    const both = await Promise.all([rotateKey(ports, own, 'me', DAY), rotateKey(ports, own, 'me', DAY)]);
    expect(both.filter((one) => 'key' in one)).toHaveLength(1);
    expect(
      [...repository.records.values()].filter(({ revokedAtEpochMs }) => revokedAtEpochMs === undefined),
    ).toHaveLength(2);
  });

  it.each([
    ['ant-prod', 'ant-prod-2026-11'],
    ['ant-prod-2026-10', 'ant-prod-2026-11'],
    ['ant-prod-x-2026', 'ant-prod-x-2026-2026-11'],
  ])('names the new key after the month: %s → %s', (before, after) => {
    expect(nextKeyName(before, START_MS)).toBe(after);
  });
});
