import { describe, expect, it } from 'vitest';
import { deriveGroqKeyId } from '../../../lambda/groq/io/groq-key-id.ts';
import { groqKeyState } from '../../../lambda/groq-keys/groq-key-record.ts';
import { retireGroqKeys } from '../../../lambda/groq-keys/retire-groq-keys.ts';
import { hourAt, MS_PER_DAY } from '../../../lambda/kernel/period.ts';
import { GROQ_KEY_SOURCES } from '../../../lambda/policy/environment-schema.ts';
import { GroqKeyTestRig, isProcessCrash, rotationToken, TEAM } from '../../support/keys/groq-key-rig.ts';

const retire = async (rig: GroqKeyTestRig) => await retireGroqKeys(rig.ports, rig.secret, TEAM);

/** Rotates twice, so that a key of the given source has been replaced. Returns the ids of the old and the current key. */
async function rotateTwice(source: (typeof GROQ_KEY_SOURCES)[number]) {
  const rig = new GroqKeyTestRig(source);
  rig.stage('gsk_second');
  rig.stage('gsk_third');
  await rig.rotate(rotationToken('a'));
  const old = deriveGroqKeyId((await rig.current()) ?? '');
  await rig.rotate(rotationToken('b'));
  const current = deriveGroqKeyId((await rig.current()) ?? '');
  rig.events.length = 0;
  return { rig, old, current };
}

describe.each(GROQ_KEY_SOURCES)('retirement of Groq keys by %s', (source) => {
  it('waits for a day after the rotation and for a day without a call', async () => {
    const { rig, old } = await rotateTwice(source);
    rig.nowEpochMs += MS_PER_DAY - 1;
    expect(await retire(rig)).toEqual({ retired: [], inUse: [], toDelete: [] });
    rig.rows.push({ keyId: old, hour: hourAt(rig.nowEpochMs), requests: 1, refused: 0, failed: 0 });
    rig.nowEpochMs += 1;
    const { retired, inUse } = await retire(rig);
    expect(inUse.map(({ keyId }) => keyId)).toEqual([old]);
    // The team's first key was replaced earlier, and no call was sent with it.
    expect(retired.map(({ keyId }) => keyId)).toEqual([deriveGroqKeyId('gsk_first')]);
    expect((await rig.keyWithLabel('AWSPREVIOUS'))?.keyId).toBe(old);
    // The 24 hours begin when the hour of the last call ends.
    rig.nowEpochMs += MS_PER_DAY + 3_600_000;
    expect((await retire(rig)).retired.map(({ keyId }) => keyId)).toEqual([old]);
    expect(await rig.keyWithLabel('AWSPREVIOUS')).toBeUndefined();
  });

  it('deletes the key at the upstream, or asks an operator daily until they confirm it', async () => {
    const { rig, old, current } = await rotateTwice(source);
    rig.nowEpochMs += MS_PER_DAY;
    await retire(rig);
    const deletionRequests = () =>
      rig.events.filter(({ kind, keyId }) => kind === 'deletion_requested' && keyId === old);
    const state = async () => groqKeyState((await rig.records.read(TEAM, old)) ?? {});
    if (source === 'admin-api') {
      expect(await state()).toBe('deleted');
      expect([...rig.upstreamKeys.values()].map(({ apiKey }) => deriveGroqKeyId(apiKey))).toEqual([current]);
      expect(deletionRequests()).toEqual([]);
      return;
    }
    expect(await state()).toBe('retired');
    expect(
      deletionRequests()
        .flatMap(({ lines }) => lines)
        .join('\n'),
    ).toContain(`npx groq-rbac groq-key confirm-deleted --team chatbot --key ${old} --env prod`);
    await retire(rig);
    expect(deletionRequests()).toHaveLength(1);
    rig.nowEpochMs += MS_PER_DAY;
    await retire(rig);
    expect(deletionRequests()).toHaveLength(2);
    await rig.records.update(TEAM, old, { deletedAtEpochMs: rig.nowEpochMs });
    rig.nowEpochMs += MS_PER_DAY;
    await retire(rig);
    expect(deletionRequests()).toHaveLength(2);
  });

  it('keeps the previous key while Groq refuses the current one', async () => {
    const { rig, old, current } = await rotateTwice(source);
    rig.nowEpochMs += MS_PER_DAY;
    const key = (await rig.current()) ?? '';
    rig.accepted.delete(key);
    expect((await retire(rig)).retired).toEqual([]);
    expect((await rig.keyWithLabel('AWSPREVIOUS'))?.keyId).toBe(old);
    rig.accepted.add(key);
    expect((await retire(rig)).retired.map(({ keyId }) => keyId)).toContain(old);
    expect(deriveGroqKeyId((await rig.current()) ?? '')).toBe(current);
  });

  it('counts refused calls as use, from the start of the hour that was 24 hours ago', async () => {
    const { rig, old } = await rotateTwice(source);
    rig.nowEpochMs += 2 * MS_PER_DAY;
    const hour = hourAt(rig.nowEpochMs - MS_PER_DAY);
    rig.rows.push({ keyId: old, hour, requests: 0, refused: 1, failed: 0 });
    expect((await retire(rig)).inUse.map(({ keyId }) => keyId)).toEqual([old]);
    rig.nowEpochMs += 3_600_000;
    expect((await retire(rig)).retired.map(({ keyId }) => keyId)).toEqual([old]);
  });

  it('writes the final edition of the report', async () => {
    const { rig, old, current } = await rotateTwice(source);
    rig.rows.push({ keyId: old, hour: hourAt(rig.nowEpochMs), requests: 7, refused: 0, failed: 0 });
    rig.rows.push({ keyId: current, hour: hourAt(rig.nowEpochMs), requests: 12, refused: 1, failed: 0 });
    rig.nowEpochMs += MS_PER_DAY + 3_600_000;
    await retire(rig);
    const report = [...rig.reports].find(([path]) => path.endsWith(`${current}.md`))?.[1] ?? '';
    expect(report).toContain('Final edition');
    expect(report).toContain('**Failed calls: 0.** Times that Groq refused a key (401): 1');
    expect(report).toMatch(new RegExp(`\\| ${old} \\| 7 \\| 0 \\| 0 \\|`));
    expect(report).toMatch(new RegExp(`\\| ${current} \\| 12 \\| 1 \\| 0 \\|`));
    expect(report).toContain('retired: unused for 24 hours');
    expect(report).not.toContain('gsk_');
  });

  it('reaches the same state after a crash between any two writes', async () => {
    for (let writes = 0; ; writes++) {
      const { rig, old } = await rotateTwice(source);
      rig.nowEpochMs += MS_PER_DAY;
      rig.crashAfter(writes);
      const died = await retire(rig).then(() => false, isProcessCrash);
      rig.crashAfter(Number.POSITIVE_INFINITY);
      await retire(rig);
      const state = groqKeyState((await rig.records.read(TEAM, old)) ?? {});
      expect(state).toBe(source === 'staged' ? 'retired' : 'deleted');
      expect(rig.accepted).toContain(await rig.current());
      expect(await rig.keyWithLabel('AWSPREVIOUS')).toBeUndefined();
      if (!died) return;
    }
  });
});

it('never retires the key with the current label, whatever the registry says', async () => {
  const rig = new GroqKeyTestRig();
  const keyId = deriveGroqKeyId('gsk_first');
  await rig.records.update(TEAM, keyId, { currentFromEpochMs: 1, replacedAtEpochMs: 2 });
  expect((await retire(rig)).retired).toEqual([]);
  expect(await rig.current()).toBe('gsk_first');
});

it("deletes keys that the upstream's API created for an abandoned rotation, a day later", async () => {
  const { rig, current } = await rotateTwice('admin-api');
  const token = rotationToken('stray');
  rig.begin(token);
  await rig.step('createSecret', token);
  const stray = (await rig.keyWithLabel('AWSPENDING'))?.apiKey ?? '';
  rig.nowEpochMs += MS_PER_DAY;
  await retire(rig);
  expect(rig.accepted).toContain(stray);
  // The watch or an operator removes the pending label.
  rig.label('AWSPENDING', undefined, token);
  await retire(rig);
  expect(rig.accepted).not.toContain(stray);
  expect([...rig.upstreamKeys.values()].map(({ apiKey }) => deriveGroqKeyId(apiKey))).toEqual([current]);
  expect(groqKeyState((await rig.records.read(TEAM, deriveGroqKeyId(stray))) ?? {})).toBe('deleted');
  expect(JSON.stringify(rig.entries)).not.toContain('gsk_');
});
