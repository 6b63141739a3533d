import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isInCanary,
  type KeyStage,
  REFUSED_KEY_TTL_MS,
  RefusedKeys,
  rankKeyStages,
} from '../../../lambda/groq/groq-key-choice.ts';

const NOW = 10_000_000;
const MINUTE = 60_000;
const canary = { canaryPercent: 10, canaryMinutes: 10 };
const key = (keyId: string, agedMinutes: number) => ({ keyId, createdAtEpochMs: NOW - agedMinutes * MINUTE });

function order(options: { agedMinutes?: number; refused?: readonly string[]; random?: number; percent?: number }) {
  const { agedMinutes = 60, refused = [], random = 0.5, percent = 10 } = options;
  return rankKeyStages({
    keys: { current: key('new', agedMinutes), previous: key('old', 10_000) },
    isRefused: (keyId) => refused.includes(keyId),
    canary: { ...canary, canaryPercent: percent },
    nowEpochMs: NOW,
    random,
  });
}

describe('rankKeyStages', () => {
  it.each<[string, Parameters<typeof order>[0], readonly KeyStage[]]>([
    ['starts with the current key', {}, ['current', 'previous', 'staged']],
    [
      'starts with the previous key while the current one is new',
      { agedMinutes: 9.99 },
      ['previous', 'current', 'staged'],
    ],
    [
      'starts with a new key for its share of the calls',
      { agedMinutes: 1, random: 0.0999 },
      ['current', 'previous', 'staged'],
    ],
    [
      'limits the share of a new key to the percentage',
      { agedMinutes: 1, random: 0.1 },
      ['previous', 'current', 'staged'],
    ],
    ['starts with the current key after the canary', { agedMinutes: 10 }, ['current', 'previous', 'staged']],
    [
      'starts all calls with a new key at 100 %',
      { agedMinutes: 1, percent: 100, random: 1 },
      ['current', 'previous', 'staged'],
    ],
    [
      'starts no call with a new key at 0 %',
      { agedMinutes: 1, percent: 0, random: 0 },
      ['previous', 'current', 'staged'],
    ],
    ['tries a refused current key last', { refused: ['new'] }, ['previous', 'staged', 'current']],
    [
      'tries a refused new key last for its share too',
      { agedMinutes: 1, random: 0, refused: ['new'] },
      ['previous', 'staged', 'current'],
    ],
    [
      'starts with a new key if the previous one is refused',
      { agedMinutes: 1, refused: ['old'] },
      ['current', 'staged', 'previous'],
    ],
    ['starts with the queue if both are refused', { refused: ['new', 'old'] }, ['staged', 'current', 'previous']],
  ])('%s', (_title, options, expected) => {
    expect(order(options)).toEqual(expected);
  });

  it('returns each stage once, and refused keys after all others', () => {
    const anything = fc.record({
      agedMinutes: fc.double({ min: -5, max: 100, noNaN: true }),
      refused: fc.subarray(['new', 'old']),
      random: fc.double({ min: 0, max: 1, noNaN: true }),
      percent: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(anything, (options) => {
        const stages = order(options);
        expect([...stages].sort()).toEqual(['current', 'previous', 'staged']);
        const keyIds: Partial<Record<KeyStage, string>> = { current: 'new', previous: 'old' };
        const isRefused = stages.map((stage) => options.refused.includes(keyIds[stage] ?? ''));
        expect(isRefused).toEqual([...isRefused].sort());
      }),
    );
  });

  it('starts the exact share of the calls with a new key', () => {
    const calls = Array.from({ length: 10_000 }, (_, n) => order({ agedMinutes: 1, random: n / 10_000 })[0]);
    expect(calls.filter((stage) => stage === 'current')).toHaveLength(1_000);
  });

  it('treats a key from the future as new, and no key as new without canaries', () => {
    expect(isInCanary(key('new', -1), canary, NOW)).toBe(true);
    expect(isInCanary(key('new', 1), { ...canary, canaryMinutes: 0 }, NOW)).toBe(false);
    expect(isInCanary(key('new', 1), { ...canary, canaryPercent: 100 }, NOW)).toBe(false);
  });
});

describe('RefusedKeys', () => {
  it('avoids a refused key for a minute, and reports it once in that time', () => {
    const refused = new RefusedKeys();
    expect(refused.recordRefused('a', NOW)).toBe(true);
    expect(refused.recordRefused('a', NOW + REFUSED_KEY_TTL_MS - 1)).toBe(false);
    expect(refused.has('a', NOW + REFUSED_KEY_TTL_MS - 1)).toBe(true);
    expect(refused.has('a', NOW + REFUSED_KEY_TTL_MS)).toBe(false);
    expect(refused.recordRefused('a', NOW + REFUSED_KEY_TTL_MS)).toBe(true);
    expect(refused.has('b', NOW)).toBe(false);
  });

  it('accepts a key again after a call that started after the refusal', () => {
    const refused = new RefusedKeys();
    refused.recordRefused('a', NOW);
    refused.recordAccepted('a', 'a', NOW - 1, NOW + 1);
    expect(refused.has('a', NOW + 1)).toBe(true);
    refused.recordAccepted('a', 'a', NOW + 1, NOW + 2);
    expect(refused.has('a', NOW + 2)).toBe(false);
  });

  it('reports once which key replaces the current one', () => {
    const refused = new RefusedKeys();
    expect(refused.recordAccepted('old', 'new', NOW, NOW)).toBe(false);
    refused.recordRefused('new', NOW);
    expect(refused.recordAccepted('old', 'new', NOW, NOW + 1)).toBe(true);
    expect(refused.recordAccepted('old', 'new', NOW, NOW + 2)).toBe(false);
    refused.recordRefused('old', NOW + 3);
    expect(refused.recordAccepted('staged', 'new', NOW, NOW + 4)).toBe(true);
  });
});
