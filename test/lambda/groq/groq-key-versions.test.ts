import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGroqKey, parseStagedLabel, stagedLabel, stagedQueue } from '../../../lambda/groq/groq-key-versions.ts';
import { deriveGroqKeyId } from '../../../lambda/groq/io/groq-key-id.ts';
import { findVersion, VERSION_LABEL } from '../../../lambda/secrets/secret-versions.ts';

const AT = Date.UTC(2026, 10, 25, 13, 4, 5, 123);
const ID = '0f1e2d3c4b5a';

describe('the labels of staged keys', () => {
  it('say when and which', () => {
    expect(stagedLabel(AT, ID)).toBe('STAGED-20261125T130405123Z-0f1e2d3c4b5a');
    expect(parseStagedLabel(stagedLabel(AT, ID))).toEqual({ keyId: ID, stagedAtEpochMs: AT });
  });

  it.each([
    'AWSCURRENT',
    'STAGED-',
    'STAGED-20261125T130405Z-0f1e2d3c4b5a',
    'STAGED-20260230T130405123Z-0f1e2d3c4b5a',
    'STAGED-20261125T130405123Z-XYZ',
  ])('are not %s', (label) => {
    expect(parseStagedLabel(label)).toBeUndefined();
  });

  it('are read as they were written, and sort as their times do', () => {
    const times = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(times, times, (one, other) => {
        expect(parseStagedLabel(stagedLabel(one, ID))?.stagedAtEpochMs).toBe(one);
        expect(stagedLabel(one, ID) < stagedLabel(other, ID)).toBe(one < other);
      }),
    );
  });
});

it('finds the queue among other labels, the oldest first', () => {
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

describe('the value of a version', () => {
  it('is a key with what is known of it', () => {
    const key = {
      apiKey: 'gsk_a',
      keyId: deriveGroqKeyId('gsk_a'),
      name: 'chatbot-prod',
      createdAt: '2026-11-25T13:04:05Z',
    };
    expect(parseGroqKey(JSON.stringify(key), deriveGroqKeyId)).toEqual(key);
  });

  it('may be a bare key, whose id follows from it', () => {
    expect(parseGroqKey('{"apiKey":"gsk_a"}', deriveGroqKeyId)).toEqual({
      apiKey: 'gsk_a',
      keyId: deriveGroqKeyId('gsk_a'),
    });
    expect(deriveGroqKeyId('gsk_a')).toMatch(/^[0-9a-f]{12}$/);
  });

  it('has the id of its key, whatever it says', () => {
    expect(parseGroqKey('{"apiKey":"gsk_a","keyId":"lies"}', deriveGroqKeyId)?.keyId).toBe(deriveGroqKeyId('gsk_a'));
  });

  it.each([undefined, '', 'gsk_a', '[]', 'null', '{"apiKey":""}', '{"apiKey":1}'])('is no key: %s', (text) => {
    expect(parseGroqKey(text, deriveGroqKeyId)).toBeUndefined();
  });
});
