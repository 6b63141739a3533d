import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../lambda/access/identity.ts';
import type { KeyRecord } from '../../../lambda/access/key-record.ts';
import type { AuditEntry } from '../../../lambda/kernel/audit-log.ts';
import { MS_PER_DAY } from '../../../lambda/kernel/period.ts';
import type { RotationStep } from '../../../lambda/secrets/secret-rotation.ts';
import {
  rotateServiceKey,
  type ServiceKey,
  type ServiceRotationPorts,
} from '../../../lambda/team-keys/rotate-service-key.ts';

const NOW = Date.UTC(2026, 10, 25, 12);
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const satisfies readonly RotationStep[];

class Crash extends Error {}

/** Creates a team's secret and registry in memory; every write after the first `writesLeft` crashes. */
function createRig() {
  const versions = new Map<string, { stages: string[]; value?: ServiceKey }>([
    ['placeholder', { stages: ['AWSCURRENT'] }],
  ]);
  const records = new Map<string, KeyRecord>();
  const working = new Map<string, string>();
  const entries: AuditEntry[] = [];
  let writesLeft = Number.POSITIVE_INFINITY;
  let minted = 0;
  const write = () => {
    if (writesLeft-- <= 0) throw new Crash();
  };
  const find = (label: string) => [...versions].find(([, { stages }]) => stages.includes(label));
  const label = (name: string, to: string) => {
    for (const version of versions.values()) version.stages = version.stages.filter((one) => one !== name);
    versions.get(to)?.stages.push(name);
  };
  const ports: ServiceRotationPorts = {
    environmentName: 'test',
    nowEpochMs: NOW,
    mint: (text) => ({ key: `${text} ${minted++}`, keyId: `id of ${text}` }),
    secret: {
      state: async () => ({
        team: 'chatbot',
        isRotationEnabled: true,
        changedAtEpochMs: NOW,
        stages: new Map([...versions].map(([id, { stages }]) => [id, [...stages]])),
      }),
      read: async (versionId) => versions.get(versionId)?.value,
      put: async (versionId, key) => {
        write();
        const version = versions.get(versionId);
        if (version === undefined) throw new Error('Secrets Manager makes the version first');
        version.value ??= key;
        return version.value;
      },
      moveCurrent: async (to, from) => {
        write();
        expect(find('AWSCURRENT')?.[0]).toBe(from);
        if (from !== undefined) label('AWSPREVIOUS', from);
        label('AWSCURRENT', to);
      },
      removeLabel: async () => {
        throw new Error('this rotation removes no label');
      },
    },
    repository: {
      read: async (keyId) => records.get(keyId),
      replace: async (keyId, rotatedTo, retireAfterEpochMs) => {
        write();
        const old = records.get(keyId);
        if (old === undefined || old.rotatedTo !== undefined) return old?.rotatedTo === rotatedTo;
        records.set(keyId, { ...old, rotatedTo, retireAfterEpochMs });
        return true;
      },
    },
    putIfAbsent: async (key, record) => {
      write();
      if (records.has(record.keyId)) return;
      records.set(record.keyId, record);
      working.set(key, record.keyId);
    },
    keys: {
      identify: async (key): Promise<Identity | undefined> => {
        const found = records.get(working.get(key) ?? '');
        return found?.revokedAtEpochMs === undefined ? found : undefined;
      },
    },
    audit: {
      append: async (entry) => {
        write();
        entries.push(entry);
      },
    },
  };
  const begin = (token: string) => {
    versions.set(token, { stages: [] });
    label('AWSPENDING', token);
  };
  const step = async (name: RotationStep, token: string) => await rotateServiceKey(ports, name, token);
  const rotate = async (token: string) => {
    begin(token);
    for (const name of STEPS) await step(name, token);
  };
  /** Returns the id of the key that the secret's readers get, if it is valid. */
  const current = async () => {
    const value = find('AWSCURRENT')?.[1].value;
    return value === undefined ? undefined : (await ports.keys.identify(value.apiKey))?.keyId;
  };
  return {
    ports,
    versions,
    records,
    entries,
    begin,
    step,
    rotate,
    current,
    crashAfter: (writes: number) => (writesLeft = writes),
  };
}

const [FIRST, SECOND] = ['id of chatbot first', 'id of chatbot second'];

describe('a rotation of a service key', () => {
  it('creates the first key of a secret without one', async () => {
    const { rotate, current, records, versions, entries } = createRig();
    await rotate('first');
    expect(await current()).toBe(FIRST);
    expect(records.get(FIRST)).toEqual({
      keyId: FIRST,
      name: 'chatbot-test-service-2026-11',
      team: 'chatbot',
      role: 'member',
      createdAtEpochMs: NOW,
      createdBy: 'rotation',
    });
    expect(versions.get('first')?.value).toMatchObject({ keyId: FIRST, createdAt: '2026-11-25T12:00:00Z' });
    expect(entries.map(({ actor, action }) => `${actor} ${action}`)).toEqual([
      'rotation create_key',
      'rotation rotate_key',
    ]);
  });

  it('makes a new key current, and keeps the old one valid for at least a day', async () => {
    const { rotate, current, records, entries } = createRig();
    await rotate('first');
    await rotate('second');
    expect(await current()).toBe(SECOND);
    expect(records.get(FIRST)).toMatchObject({ rotatedTo: SECOND, retireAfterEpochMs: NOW + MS_PER_DAY });
    expect(records.get(FIRST)?.revokedAtEpochMs).toBeUndefined();
    expect(records.get(SECOND)?.rotatedTo).toBeUndefined();
    expect(entries.at(-1)).toMatchObject({ action: 'rotate_key', subject: `key ${FIRST}`, team: 'chatbot' });
  });

  it("inherits the old key's limits, with one ledger entry for all successors", async () => {
    const { rotate, records } = createRig();
    await rotate('first');
    const old = records.get(FIRST);
    if (old !== undefined) records.set(FIRST, { ...old, scope: { usd: 5, rpm: 10 } });
    await rotate('second');
    await rotate('third');
    expect(records.get(SECOND)?.scope).toEqual({ usd: 5, rpm: 10, line: FIRST });
    expect(records.get('id of chatbot third')?.scope).toEqual({ usd: 5, rpm: 10, line: FIRST });
  });

  it('is idempotent: running each step twice, or all again at the end, has no further effect', async () => {
    const { rotate, begin, step, current, records, entries } = createRig();
    await rotate('first');
    const before = entries.length;
    begin('second');
    for (const name of [...STEPS.flatMap((one) => [one, one]), ...STEPS]) await step(name, 'second');
    expect(await current()).toBe(SECOND);
    expect([...records.keys()]).toEqual([FIRST, SECOND]);
    expect(records.get(FIRST)?.rotatedTo).toBe(SECOND);
    expect(entries.length - before).toBe(2);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'resumes after a crash at write %i, with a valid current key throughout',
    async (writes) => {
      const { rotate, begin, step, current, records, crashAfter } = createRig();
      await rotate('first');
      begin('second');
      crashAfter(writes);
      let crashes = 0;
      for (const name of STEPS) {
        for (;;) {
          const fault = await step(name, 'second').catch((error: unknown) => error);
          expect(await current(), 'the current key is always valid').toBeDefined();
          if (fault === undefined) break;
          expect(fault).toBeInstanceOf(Crash);
          crashes++;
          crashAfter(Number.POSITIVE_INFINITY);
        }
      }
      expect(crashes).toBe(writes < 6 ? 1 : 0);
      expect(await current()).toBe(SECOND);
      expect([...records.keys()]).toEqual([FIRST, SECOND]);
      expect(records.get(FIRST)?.rotatedTo).toBe(SECOND);
    },
  );

  it('creates one key when the same step runs concurrently', async () => {
    const { begin, step, current, records } = createRig();
    begin('first');
    await Promise.all([step('createSecret', 'first'), step('createSecret', 'first')]);
    for (const name of STEPS.slice(1)) await step(name, 'first');
    expect(await current()).toBe(FIRST);
    expect(records.size).toBe(1);
  });

  it('continues the rotation whose version is pending, and refuses the steps of another', async () => {
    const { rotate, begin, step, current, records } = createRig();
    await rotate('first');
    begin('other');
    await step('createSecret', 'other');
    await rotate('second');
    for (const name of STEPS) await expect(step(name, 'other')).rejects.toThrow('not the pending one');
    expect(await current()).toBe(SECOND);
    expect(records.get(FIRST)?.rotatedTo).toBe(SECOND);
  });

  it('refuses an unknown version, and a secret without rotation', async () => {
    const { ports, step, begin } = createRig();
    await expect(step('createSecret', 'unknown')).rejects.toThrow('no such version');
    begin('first');
    const secret = {
      ...ports.secret,
      state: async () => ({ ...(await ports.secret.state()), isRotationEnabled: false }),
    };
    await expect(rotateServiceKey({ ...ports, secret }, 'createSecret', 'first')).rejects.toThrow(
      'not set to be rotated',
    );
  });

  it.each<[string, Partial<KeyRecord> | undefined, string]>([
    ['does not exist', undefined, 'does not work'],
    ['was revoked', { revokedAtEpochMs: NOW }, 'does not work'],
    ['is of another team', { team: 'research' }, 'is not a key of team chatbot'],
  ])('does not promote a pending key that %s', async (_what, change, why) => {
    const { rotate, begin, step, current, records } = createRig();
    await rotate('first');
    begin('second');
    await step('createSecret', 'second');
    const pending = records.get(SECOND);
    if (change === undefined) records.delete(SECOND);
    else if (pending !== undefined) records.set(SECOND, { ...pending, ...change });
    for (const name of ['testSecret', 'finishSecret'] as const) await expect(step(name, 'second')).rejects.toThrow(why);
    expect(await current()).toBe(FIRST);
    expect(records.get(FIRST)?.rotatedTo).toBeUndefined();
  });

  it.each<[string, Partial<KeyRecord>]>([
    ['was rotated by a person meanwhile', { rotatedTo: 'another' }],
    ['has been revoked', { revokedAtEpochMs: NOW - 1 }],
  ])('does not change an old key that %s', async (_what, change) => {
    const { rotate, records, current } = createRig();
    await rotate('first');
    const old = records.get(FIRST);
    if (old !== undefined) records.set(FIRST, { ...old, ...change });
    await rotate('second');
    expect(await current()).toBe(SECOND);
    expect(records.get(FIRST)).toEqual({ ...old, ...change });
  });
});
