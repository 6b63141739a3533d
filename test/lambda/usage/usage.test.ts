import { describe, expect, it } from 'vitest';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { addUsage, foldEnds, NO_USAGE, type UsageCounts, usageFromEnd, usageGap } from '../../../lambda/usage/usage.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';
import { buildLedgerEnd } from '../../support/ledger/reservation-ends.ts';

const usd = (amount: bigint) => picoUsd(amount);
const NONE = { costPicoUsd: usd(0n), promptTokens: 0, cachedTokens: 0, completionTokens: 0 };
const SPENT = { requests: 1, promptTokens: 5, cachedTokens: 2, completionTokens: 3, costPicoUsd: usd(7n) };

describe('an end counts', () => {
  it.each<[string, Parameters<typeof buildLedgerEnd>[0][], Partial<UsageCounts>]>([
    ['a settlement with its cost and tokens', [{ kind: 'settle' }], SPENT],
    [
      'an assumed settlement as assumed',
      [{ kind: 'settle', ...NONE, costPicoUsd: usd(10n), assumed: true }],
      { requests: 1, costPicoUsd: usd(10n), assumedPicoUsd: usd(10n) },
    ],
    ['a void as no request', [{ kind: 'void', ...NONE }], { voided: 1 }],
    [
      'an expiry at its maximum cost, assumed, without tokens',
      [{ kind: 'expire', costPicoUsd: usd(10n), promptTokens: 0 }],
      { requests: 1, expired: 1, costPicoUsd: usd(10n), assumedPicoUsd: usd(10n) },
    ],
    ['a corrected expiry as if it had been settled', [{ kind: 'expire' }, { kind: 'correct' }], SPENT],
    ['a correction and its expiry in reverse order', [{ kind: 'correct' }, { kind: 'expire' }], SPENT],
    ['an expiry corrected by a void as a void', [{ kind: 'expire' }, { kind: 'correct', ...NONE }], { voided: 1 }],
    [
      'an expiry corrected by an assumed settlement at its maximum cost',
      [{ kind: 'expire' }, { kind: 'correct', ...NONE, costPicoUsd: usd(10n), assumed: true }],
      { requests: 1, costPicoUsd: usd(10n), assumedPicoUsd: usd(10n) },
    ],
    [
      'an overrun completely',
      [{ kind: 'expire' }, { kind: 'correct', costPicoUsd: usd(12n) }],
      { ...SPENT, costPicoUsd: usd(12n) },
    ],
  ])('%s', (_what, ends, counts) => {
    const total = ends.map((fields) => usageFromEnd(buildLedgerEnd(fields).end)).reduce(addUsage, NO_USAGE);
    expect(total).toEqual({ ...NO_USAGE, ...counts });
  });
});

it('folds ends into one row per team, day, key and model', () => {
  const dayLater = { atEpochMs: START_MS + 86_400_000 };
  const rows = foldEnds([
    buildLedgerEnd(),
    buildLedgerEnd(),
    buildLedgerEnd({ keyId: 'k2' }),
    buildLedgerEnd({ model: 'n' }),
    buildLedgerEnd(dayLater),
  ]);
  expect(rows.map(({ day, keyId, model, requests }) => [day, keyId, model, requests])).toEqual([
    ['2026-11-24', 'k1', 'm', 2],
    ['2026-11-24', 'k2', 'm', 1],
    ['2026-11-24', 'k1', 'n', 1],
    ['2026-11-25', 'k1', 'm', 1],
  ]);
});

it('finds spending of a ledger that usage lacks, within the days of its month only', () => {
  const afterMidnight = buildLedgerEnd({ atEpochMs: Date.UTC(2026, 11, 1, 0, 0, 5) });
  const december = { ...afterMidnight, ledger: { team: 'a', period: '2026-12' } };
  const rows = foldEnds([buildLedgerEnd(), afterMidnight, december]);
  // A call charged to November counts on its last day.
  expect(rows.map(({ day }) => day)).toEqual(['2026-11-24', '2026-11-30', '2026-12-01']);
  expect(usageGap(rows, '2026-11', { spentPicoUsd: usd(14n), assumedPicoUsd: usd(0n) })).toEqual({
    spentPicoUsd: 0n,
    assumedPicoUsd: 0n,
  });
  expect(usageGap(rows, '2026-11', { spentPicoUsd: usd(20n), assumedPicoUsd: usd(1n) })).toEqual({
    spentPicoUsd: 6n,
    assumedPicoUsd: 1n,
  });
});
