import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Role } from '../../../../lambda/access/identity.ts';
import { hashKey } from '../../../../lambda/access/io/gateway-key.ts';
import { parseKeyItem, toKeyItem, toTeamListItem } from '../../../../lambda/access/io/key-item.ts';
import type { KeyRecord } from '../../../../lambda/access/key-record.ts';

const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const record: fc.Arbitrary<KeyRecord> = fc.record(
  {
    keyId: fc.stringMatching(/^[a-z0-9]{12}$/),
    role: fc.constantFrom<Role>('admin', 'lead', 'member', 'viewer'),
    name: fc.string(),
    createdAtEpochMs: time,
    team: fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/),
    scope: fc.record({ models: fc.array(fc.string()), rpm: fc.integer({ min: 1, max: 1_000 }) }),
    expiresAtEpochMs: time,
    revokedAtEpochMs: time,
    createdBy: fc.string(),
  },
  { requiredKeys: ['keyId', 'role', 'name', 'createdAtEpochMs'] },
);

it('decodes every record that it encodes', () => {
  fc.assert(
    fc.property(record, (original) => {
      expect(parseKeyItem(original.keyId, toKeyItem(hashKey('key'), original))).toEqual(original);
    }),
  );
});

it('deletes only the items of a temporary key, after it has expired', () => {
  const base: KeyRecord = {
    keyId: 'abcdefghijkl',
    role: 'member',
    name: 'x',
    createdAtEpochMs: 0,
    expiresAtEpochMs: 1_500,
  };
  for (const encode of [(key: KeyRecord) => toKeyItem(hashKey('key'), key), toTeamListItem]) {
    expect(encode(base)).not.toHaveProperty('expiresAtEpochS');
    expect(encode({ ...base, isTemporary: true })).toMatchObject({ expiresAtEpochS: { N: '2' } });
  }
});

it('refuses to decode a key without a role', () => {
  expect(() => parseKeyItem('abcdefghijkl', {})).toThrow('key abcdefghijkl has no role');
});
