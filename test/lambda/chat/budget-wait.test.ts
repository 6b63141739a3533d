import { expect, it } from 'vitest';
import { type BudgetPoll, exponentialBackoff, nextStep } from '../../../lambda/chat/budget-wait.ts';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { periodAt } from '../../../lambda/kernel/period.ts';
import { openLedger } from '../../../lambda/ledger/ledger.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const seen = (available: bigint, reserved: bigint, agedMs = 0) => ({
  view: { ...openLedger(picoUsd(1_000n)), availablePicoUsd: picoUsd(available), reservedPicoUsd: picoUsd(reserved) },
  seenAtEpochMs: START_MS - agedMs,
});
const isDue = { nextReadAtEpochMs: START_MS };

it.each<[string, Partial<BudgetPoll>, string]>([
  ['waits without a view until a read is due', {}, 'wait'],
  ['reads without a view once a read is due', isDue, 'read'],
  ['waits while the cached view shows too little money', { lastSeen: seen(99n, 1n), ...isDue }, 'wait'],
  ['reserves once the cached view shows enough', { lastSeen: seen(100n, 1n) }, 'reserve'],
  ['reserves once nobody holds money, to get the final refusal', { lastSeen: seen(0n, 0n) }, 'reserve'],
  ['relies on a view of 250 ms', { lastSeen: seen(100n, 1n, 250) }, 'reserve'],
  ['reads instead of an older view', { lastSeen: seen(100n, 1n, 251), ...isDue }, 'read'],
  ['waits with an older view until a read is due', { lastSeen: seen(100n, 1n, 251) }, 'wait'],
  [
    "never relies on the view for a key's own limit",
    { reason: 'key_budget_exceeded', lastSeen: seen(100n, 1n), ...isDue },
    'read',
  ],
  ['reserves in a new month, which has its own ledger', { key: { team: 'a', period: '2026-10' } }, 'reserve'],
])('%s', (_title, given, expected) => {
  const poll: BudgetPoll = {
    key: { team: 'a', period: periodAt(START_MS) },
    reason: 'team_budget_exceeded',
    maxCostPicoUsd: picoUsd(100n),
    lastSeen: undefined,
    nextReadAtEpochMs: START_MS + 1,
    ...given,
  };
  expect(nextStep(poll, START_MS)).toBe(expected);
});

it('doubles its backoff with jitter up to two seconds', () => {
  const delaysWith = (random: number) => {
    const nextBackoffMs = exponentialBackoff({ ...fakeClock(), random: () => random });
    return Array.from({ length: 5 }, nextBackoffMs);
  };
  expect(delaysWith(0.5)).toEqual([250, 500, 1_000, 2_000, 2_000]);
  expect(delaysWith(0)).toEqual([125, 250, 500, 1_000, 1_000]);
});
