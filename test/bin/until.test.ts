import { describe, expect, it } from 'vitest';
import { parseUntil } from '../../bin/until.ts';
import { START_MS } from '../support/ledger/ledger-fixtures.ts';

describe('an expiry on the command line', () => {
  it.each([
    ['90m', START_MS + 5_400_000],
    ['2d', START_MS + 172_800_000],
    ['2026-11-30', Date.parse('2026-11-30T00:00Z')],
    ['2028-02-29', Date.parse('2028-02-29T00:00Z')],
    ['2026-11-30T18:00+01:00', Date.parse('2026-11-30T17:00Z')],
  ])('%s', (text, epochMs) => {
    expect(parseUntil(text, START_MS)).toBe(epochMs);
  });

  it.each(['2026-02-30', '2026-11-31', '2026-02-29', '2026-02-30T10:00Z', '2026-13-01', '2026-11-25T10:00', 'soon'])(
    'is refused when it is not a time, or a day that does not exist: %s',
    (text) => {
      expect(() => parseUntil(text, START_MS)).toThrow(`--until is "${text}"; it must be`);
    },
  );
});
