import { expect, it } from 'vitest';
import { NO_TRACE } from '../../../lambda/ledger/call-trace.ts';
import { countGroqKeyRows, foldGroqKeyUse } from '../../../lambda/usage/groq-key-use.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';
import { buildLedgerEnd } from '../../support/ledger/reservation-ends.ts';

const usingKeys = (usedId: string | undefined, ...refusedIds: string[]) => ({
  trace: { ...NO_TRACE, groqKeys: { usedId, refusedIds } },
});
const HOUR_MS = 3_600_000;

it('counts a call for the Groq key that was accepted, and for each key that was refused before it', () => {
  const ends = [
    buildLedgerEnd(usingKeys('new')),
    buildLedgerEnd({ ...usingKeys('new'), kind: 'void' }),
    buildLedgerEnd({ ...usingKeys('new', 'old'), kind: 'correct' }),
    buildLedgerEnd({ ...usingKeys(undefined, 'old', 'older'), kind: 'void' }),
    buildLedgerEnd({ ...usingKeys('new'), atEpochMs: START_MS + HOUR_MS }),
    buildLedgerEnd(usingKeys('new'), 'b'),
  ];
  expect(foldGroqKeyUse(ends)).toEqual([
    { team: 'a', hour: '2026-11-24T00', keyId: 'new', requests: 3, refused: 0, failed: 0 },
    { team: 'a', hour: '2026-11-24T00', keyId: 'old', requests: 0, refused: 2, failed: 0 },
    { team: 'a', hour: '2026-11-24T00', keyId: 'older', requests: 0, refused: 1, failed: 1 },
    { team: 'a', hour: '2026-11-24T01', keyId: 'new', requests: 1, refused: 0, failed: 0 },
    { team: 'b', hour: '2026-11-24T00', keyId: 'new', requests: 1, refused: 0, failed: 0 },
  ]);
  expect(ends.map(countGroqKeyRows)).toEqual([1, 1, 2, 2, 1, 1]);
});

it('counts nothing for a call that was sent without a key, or whose process died', () => {
  expect(foldGroqKeyUse([buildLedgerEnd(usingKeys(undefined)), buildLedgerEnd({ kind: 'expire' })])).toEqual([]);
});
