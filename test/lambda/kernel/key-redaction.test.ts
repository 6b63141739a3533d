import { expect, it } from 'vitest';
import { redactKeys, redactSecrets } from '../../../lambda/kernel/key-redaction.ts';

const SECRET = 'Ma3Y82Y2Q4H9saKCp4Bdr0xkcbPS1xc4j054lxgNMN_';

it.each([
  [`pasted grk_dev_b25f344a7818_${SECRET}, twice`, 'pasted grk_dev_b25f344a7818_…, twice'],
  [`KEY=grk_my-env_b25f344a7818_-${SECRET}`, 'KEY=grk_my-env_b25f344a7818_…'],
  ['half of one: grk_dev_b25f344a7818_Ma3Y82', 'half of one: grk_dev_b25f344a7818_…'],
  ['gsk_live1234567890 and gsk_live0987654321 in a wiki', 'gsk_… and gsk_… in a wiki'],
  ['key b25f344a7818 in release 12', 'key b25f344a7818 in release 12'],
])('keeps only the part of a key that names it: %j', (typed, kept) => {
  expect(redactKeys(typed)).toBe(kept);
});

it.each([
  ['in organization `org_01hq2xyzabc` on tokens', 'in organization `org_…` on tokens'],
  ['authorization: Bearer abc.def-ghi_jkl=', 'authorization: Bearer …'],
  [`key grk_dev_b25f344a7818_${SECRET}`, 'key grk_dev_b25f344a7818_…'],
  ['key grk_of-another-form', 'key grk_…'],
  ['the bearer of news, org_id and organisation', 'the bearer of news, org_id and organisation'],
])("leaves no secret in an upstream's text: %j", (said, kept) => {
  expect(redactSecrets(said)).toBe(kept);
});
