import { expect, it } from 'vitest';
import { NO_TRACE } from '../../../lambda/ledger/call-trace.ts';
import { countGroqKeyRows, foldGroqKeyUse } from '../../../lambda/usage/groq-key-use.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';
import { buildLedgerEnd } from '../../support/ledger/reservation-ends.ts';

const by = (usedId: string | undefined, ...refusedIds: string[]) => ({
  trace: { ...NO_TRACE, groqKeys: { usedId, refusedIds } },
});
const HOUR_MS = 3_600_000;

it('counts a call with the Groq key that took it, and each key that was refused on the way', () => {
  const ends = [
    buildLedgerEnd(by('new')),
    buildLedgerEnd({ ...by('new'), kind: 'void' }),
    buildLedgerEnd({ ...by('new', 'old'), kind: 'correct' }),
    buildLedgerEnd({ ...by(undefined, 'old', 'older'), kind: 'void' }),
    buildLedgerEnd({ ...by('new'), atEpochMs: START_MS + HOUR_MS }),
    buildLedgerEnd(by('new'), 'b'),
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

it('counts nothing of a call that was sent with no key, or whose process died', () => {
  expect(foldGroqKeyUse([buildLedgerEnd(by(undefined)), buildLedgerEnd({ kind: 'expire' })])).toEqual([]);
});
