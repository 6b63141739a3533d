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

describe("the order of a call's keys", () => {
  it.each<[string, Parameters<typeof order>[0], readonly KeyStage[]]>([
    ['begins with the current key', {}, ['current', 'previous', 'staged']],
    [
      'begins with the previous one while the current one is new',
      { agedMinutes: 9.99 },
      ['previous', 'current', 'staged'],
    ],
    ['begins with a new one for its share', { agedMinutes: 1, random: 0.0999 }, ['current', 'previous', 'staged']],
    ['ends that share where it is said to', { agedMinutes: 1, random: 0.1 }, ['previous', 'current', 'staged']],
    ['begins with the current one when its time is over', { agedMinutes: 10 }, ['current', 'previous', 'staged']],
    [
      'gives all calls to a new key at 100 %',
      { agedMinutes: 1, percent: 100, random: 1 },
      ['current', 'previous', 'staged'],
    ],
    ['gives none to a new key at 0 %', { agedMinutes: 1, percent: 0, random: 0 }, ['previous', 'current', 'staged']],
    ['goes around a refused current key', { refused: ['new'] }, ['previous', 'staged', 'current']],
    [
      'goes around a new one for its share too',
      { agedMinutes: 1, random: 0, refused: ['new'] },
      ['previous', 'staged', 'current'],
    ],
    [
      'goes ahead where the previous one is refused',
      { agedMinutes: 1, refused: ['old'] },
      ['current', 'staged', 'previous'],
    ],
    ['goes to the queue where both are refused', { refused: ['new', 'old'] }, ['staged', 'current', 'previous']],
  ])('%s', (_what, options, expected) => {
    expect(order(options)).toEqual(expected);
  });

  it('names each place once, whatever is so, and one that is not refused before one that is', () => {
    const anything = fc.record({
      agedMinutes: fc.double({ min: -5, max: 100, noNaN: true }),
      refused: fc.subarray(['new', 'old']),
      random: fc.double({ min: 0, max: 1, noNaN: true }),
      percent: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(anything, (options) => {
        const places = order(options);
        expect([...places].sort()).toEqual(['current', 'previous', 'staged']);
        const idOf: Partial<Record<KeyStage, string>> = { current: 'new', previous: 'old' };
        const isRefused = places.map((place) => options.refused.includes(idOf[place] ?? ''));
        expect(isRefused).toEqual([...isRefused].sort());
      }),
    );
  });

  it('gives a new key very nearly its share of the calls', () => {
    const calls = Array.from({ length: 10_000 }, (_, n) => order({ agedMinutes: 1, random: n / 10_000 })[0]);
    expect(calls.filter((place) => place === 'current')).toHaveLength(1_000);
  });

  it('takes a key from the future for new, and none for new where canaries are switched off', () => {
    expect(isInCanary(key('new', -1), canary, NOW)).toBe(true);
    expect(isInCanary(key('new', 1), { ...canary, canaryMinutes: 0 }, NOW)).toBe(false);
    expect(isInCanary(key('new', 1), { ...canary, canaryPercent: 100 }, NOW)).toBe(false);
  });
});

describe('the keys that Groq refused lately', () => {
  it('are gone around for a minute, and are news once in it', () => {
    const refused = new RefusedKeys();
    expect(refused.recordRefused('a', NOW)).toBe(true);
    expect(refused.recordRefused('a', NOW + REFUSED_KEY_TTL_MS - 1)).toBe(false);
    expect(refused.has('a', NOW + REFUSED_KEY_TTL_MS - 1)).toBe(true);
    expect(refused.has('a', NOW + REFUSED_KEY_TTL_MS)).toBe(false);
    expect(refused.recordRefused('a', NOW + REFUSED_KEY_TTL_MS)).toBe(true);
    expect(refused.has('b', NOW)).toBe(false);
  });

  it('come back when Groq takes them in a call that began after the refusal', () => {
    const refused = new RefusedKeys();
    refused.recordRefused('a', NOW);
    refused.recordAccepted('a', 'a', NOW - 1, NOW + 1);
    expect(refused.has('a', NOW + 1)).toBe(true);
    refused.recordAccepted('a', 'a', NOW + 1, NOW + 2);
    expect(refused.has('a', NOW + 2)).toBe(false);
  });

  it('tell once which key stands in for the current one', () => {
    const refused = new RefusedKeys();
    expect(refused.recordAccepted('old', 'new', NOW, NOW)).toBe(false);
    refused.recordRefused('new', NOW);
    expect(refused.recordAccepted('old', 'new', NOW, NOW + 1)).toBe(true);
    expect(refused.recordAccepted('old', 'new', NOW, NOW + 2)).toBe(false);
    refused.recordRefused('old', NOW + 3);
    expect(refused.recordAccepted('staged', 'new', NOW, NOW + 4)).toBe(true);
  });
});
