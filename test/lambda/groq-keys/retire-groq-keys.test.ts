import { describe, expect, it } from 'vitest';
import { groqKeyIdOf } from '../../../lambda/groq/io/groq-key-id.ts';
import { groqKeyStateOf } from '../../../lambda/groq-keys/groq-key-record.ts';
import { retireGroqKeys } from '../../../lambda/groq-keys/retire-groq-keys.ts';
import { hourOf, MS_PER_DAY } from '../../../lambda/kernel/period.ts';
import { GROQ_KEY_SOURCES } from '../../../lambda/policy/environment-schema.ts';
import { GroqKeyWorld, isDeath, TEAM, tokenOf } from '../../support/keys/groq-key-world.ts';

const retire = async (world: GroqKeyWorld) => await retireGroqKeys(world.ports, world.secret, TEAM);

/** A world in which a key that upstream or an operator made has been replaced; the ids of both. */
async function rotatedTwice(source: (typeof GROQ_KEY_SOURCES)[number]) {
  const world = new GroqKeyWorld(source);
  world.stage('gsk_second');
  world.stage('gsk_third');
  await world.rotate(tokenOf('a'));
  const old = groqKeyIdOf((await world.current()) ?? '');
  await world.rotate(tokenOf('b'));
  const current = groqKeyIdOf((await world.current()) ?? '');
  world.news.length = 0;
  return { world, old, current };
}

describe.each(GROQ_KEY_SOURCES)('retirement of Groq keys by %s', (source) => {
  it('waits for a day after the rotation, and for a day without a call', async () => {
    const { world, old } = await rotatedTwice(source);
    world.nowEpochMs += MS_PER_DAY - 1;
    expect(await retire(world)).toEqual({ retired: [], inUse: [], toDelete: [] });
    world.rows.push({ keyId: old, hour: hourOf(world.nowEpochMs), requests: 1, refused: 0, failed: 0 });
    world.nowEpochMs += 1;
    const { retired, inUse } = await retire(world);
    expect(inUse.map(({ keyId }) => keyId)).toEqual([old]);
    // The team's first key was replaced before, and no call was sent with it.
    expect(retired.map(({ keyId }) => keyId)).toEqual([groqKeyIdOf('gsk_first')]);
    expect((await world.labelled('AWSPREVIOUS'))?.keyId).toBe(old);
    // The hour of the last call ends before 24 of them begin.
    world.nowEpochMs += MS_PER_DAY + 3_600_000;
    expect((await retire(world)).retired.map(({ keyId }) => keyId)).toEqual([old]);
    expect(await world.labelled('AWSPREVIOUS')).toBeUndefined();
  });

  it('deletes the key at upstream, or asks an operator every day until it is confirmed', async () => {
    const { world, old, current } = await rotatedTwice(source);
    world.nowEpochMs += MS_PER_DAY;
    await retire(world);
    const asked = () => world.news.filter(({ kind, keyId }) => kind === 'deletion_asked' && keyId === old);
    const state = async () => groqKeyStateOf((await world.records.read(TEAM, old)) ?? {});
    if (source === 'admin-api') {
      expect(await state()).toBe('deleted');
      expect([...world.upstreamKeys.values()].map(({ apiKey }) => groqKeyIdOf(apiKey))).toEqual([current]);
      expect(asked()).toEqual([]);
      return;
    }
    expect(await state()).toBe('retired');
    expect(
      asked()
        .flatMap(({ lines }) => lines)
        .join('\n'),
    ).toContain(`npx groq-rbac groq-key confirm-deleted --team chatbot --key ${old} --env prod`);
    await retire(world);
    expect(asked()).toHaveLength(1);
    world.nowEpochMs += MS_PER_DAY;
    await retire(world);
    expect(asked()).toHaveLength(2);
    await world.records.note(TEAM, old, { deletedAtEpochMs: world.nowEpochMs });
    world.nowEpochMs += MS_PER_DAY;
    await retire(world);
    expect(asked()).toHaveLength(2);
  });

  it('keeps the way back while Groq refuses the current key, which nobody may have seen yet', async () => {
    const { world, old, current } = await rotatedTwice(source);
    world.nowEpochMs += MS_PER_DAY;
    const key = (await world.current()) ?? '';
    world.accepted.delete(key);
    expect((await retire(world)).retired).toEqual([]);
    expect((await world.labelled('AWSPREVIOUS'))?.keyId).toBe(old);
    world.accepted.add(key);
    expect((await retire(world)).retired.map(({ keyId }) => keyId)).toContain(old);
    expect(groqKeyIdOf((await world.current()) ?? '')).toBe(current);
  });

  it('counts a call that Groq refused as use, and the whole hour in which the last day began', async () => {
    const { world, old } = await rotatedTwice(source);
    world.nowEpochMs += 2 * MS_PER_DAY;
    const hour = hourOf(world.nowEpochMs - MS_PER_DAY);
    world.rows.push({ keyId: old, hour, requests: 0, refused: 1, failed: 0 });
    expect((await retire(world)).inUse.map(({ keyId }) => keyId)).toEqual([old]);
    world.nowEpochMs += 3_600_000;
    expect((await retire(world)).retired.map(({ keyId }) => keyId)).toEqual([old]);
  });

  it('writes the final edition of the report', async () => {
    const { world, old, current } = await rotatedTwice(source);
    world.rows.push({ keyId: old, hour: hourOf(world.nowEpochMs), requests: 7, refused: 0, failed: 0 });
    world.rows.push({ keyId: current, hour: hourOf(world.nowEpochMs), requests: 12, refused: 1, failed: 0 });
    world.nowEpochMs += MS_PER_DAY + 3_600_000;
    await retire(world);
    const report = [...world.reports].find(([path]) => path.endsWith(`${current}.md`))?.[1] ?? '';
    expect(report).toContain('Final edition');
    expect(report).toContain('**Failed calls: 0.** Times that Groq refused a key (401): 1');
    expect(report).toMatch(new RegExp(`\\| ${old} \\| 7 \\| 0 \\| 0 \\|`));
    expect(report).toMatch(new RegExp(`\\| ${current} \\| 12 \\| 1 \\| 0 \\|`));
    expect(report).toContain('retired: unused for 24 hours');
    expect(report).not.toContain('gsk_');
  });

  it('comes to the same after a crash between any two writes', async () => {
    for (let writes = 0; ; writes++) {
      const { world, old } = await rotatedTwice(source);
      world.nowEpochMs += MS_PER_DAY;
      world.dieAfter(writes);
      const died = await retire(world).then(() => false, isDeath);
      world.dieAfter(Number.POSITIVE_INFINITY);
      await retire(world);
      const state = groqKeyStateOf((await world.records.read(TEAM, old)) ?? {});
      expect(state).toBe(source === 'staged' ? 'retired' : 'deleted');
      expect(world.accepted).toContain(await world.current());
      expect(await world.labelled('AWSPREVIOUS')).toBeUndefined();
      if (!died) return;
    }
  });
});

it('retires no key that is current by its label, whatever the registry says', async () => {
  const world = new GroqKeyWorld();
  const keyId = groqKeyIdOf('gsk_first');
  await world.records.note(TEAM, keyId, { currentFromEpochMs: 1, replacedAtEpochMs: 2 });
  expect((await retire(world)).retired).toEqual([]);
  expect(await world.current()).toBe('gsk_first');
});

it("deletes what upstream's API made and no rotation went on with, a day later", async () => {
  const { world, current } = await rotatedTwice('admin-api');
  const token = tokenOf('stray');
  world.begin(token);
  await world.step('createSecret', token);
  const stray = (await world.labelled('AWSPENDING'))?.apiKey ?? '';
  world.nowEpochMs += MS_PER_DAY;
  await retire(world);
  expect(world.accepted).toContain(stray);
  // As the watch does, or an operator.
  world.label('AWSPENDING', undefined, token);
  await retire(world);
  expect(world.accepted).not.toContain(stray);
  expect([...world.upstreamKeys.values()].map(({ apiKey }) => groqKeyIdOf(apiKey))).toEqual([current]);
  expect(groqKeyStateOf((await world.records.read(TEAM, groqKeyIdOf(stray))) ?? {})).toBe('deleted');
  expect(JSON.stringify(world.entries)).not.toContain('gsk_');
});
