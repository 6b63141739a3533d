import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGroqKey, parseStagedLabel, stagedLabel, stagedQueue } from '../../../lambda/groq/groq-key-versions.ts';
import { deriveGroqKeyId } from '../../../lambda/groq/io/groq-key-id.ts';
import { findVersion, VERSION_LABEL } from '../../../lambda/secrets/secret-versions.ts';

const AT = Date.UTC(2026, 10, 25, 13, 4, 5, 123);
const ID = '0f1e2d3c4b5a';

describe('labels of staged keys', () => {
  it('contain the time and the key id', () => {
    expect(stagedLabel(AT, ID)).toBe('STAGED-20261125T130405123Z-0f1e2d3c4b5a');
    expect(parseStagedLabel(stagedLabel(AT, ID))).toEqual({ keyId: ID, stagedAtEpochMs: AT });
  });

  it.each([
    'AWSCURRENT',
    'STAGED-',
    'STAGED-20261125T130405Z-0f1e2d3c4b5a',
    'STAGED-20260230T130405123Z-0f1e2d3c4b5a',
    'STAGED-20261125T130405123Z-XYZ',
  ])('exclude %s', (label) => {
    expect(parseStagedLabel(label)).toBeUndefined();
  });

  it('round-trip, and sort by time', () => {
    const times = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(times, times, (time, otherTime) => {
        expect(parseStagedLabel(stagedLabel(time, ID))?.stagedAtEpochMs).toBe(time);
        expect(stagedLabel(time, ID) < stagedLabel(otherTime, ID)).toBe(time < otherTime);
      }),
    );
  });
});

it('finds the queue among other labels, oldest first', () => {
  const versions = new Map([
    ['v3', [stagedLabel(AT + 1, 'cccccccccccc')]],
    ['v1', [VERSION_LABEL.current]],
    ['v2', ['somebody-elses', stagedLabel(AT, 'bbbbbbbbbbbb')]],
  ]);
  expect(stagedQueue(versions).map(({ versionId, keyId }) => [versionId, keyId])).toEqual([
    ['v2', 'bbbbbbbbbbbb'],
    ['v3', 'cccccccccccc'],
  ]);
  expect(findVersion(versions, VERSION_LABEL.current)).toBe('v1');
  expect(findVersion(versions, VERSION_LABEL.previous)).toBeUndefined();
});

describe('parseGroqKey', () => {
  it('parses a key with its metadata', () => {
    const key = {
      apiKey: 'gsk_a',
      keyId: deriveGroqKeyId('gsk_a'),
      name: 'chatbot-prod',
      createdAt: '2026-11-25T13:04:05Z',
    };
    expect(parseGroqKey(JSON.stringify(key), deriveGroqKeyId)).toEqual(key);
  });

  it('parses a bare key, and derives its id', () => {
    expect(parseGroqKey('{"apiKey":"gsk_a"}', deriveGroqKeyId)).toEqual({
      apiKey: 'gsk_a',
      keyId: deriveGroqKeyId('gsk_a'),
    });
    expect(deriveGroqKeyId('gsk_a')).toMatch(/^[0-9a-f]{12}$/);
  });

  it('ignores the id in the text', () => {
    expect(parseGroqKey('{"apiKey":"gsk_a","keyId":"lies"}', deriveGroqKeyId)?.keyId).toBe(deriveGroqKeyId('gsk_a'));
  });

  it.each([undefined, '', 'gsk_a', '[]', 'null', '{"apiKey":""}', '{"apiKey":1}'])(
    'returns undefined for %s',
    (text) => {
      expect(parseGroqKey(text, deriveGroqKeyId)).toBeUndefined();
    },
  );
});
