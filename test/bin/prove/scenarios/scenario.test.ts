import { describe, expect, it } from 'vitest';
import { waitUntilSettled } from '../../../../bin/prove/scenarios/scenario.ts';
import { picoUsd, ZERO_USD } from '../../../../lambda/kernel/money.ts';

describe('the wait until calls have settled', () => {
  const figures = { reservedPicoUsd: ZERO_USD, assumedPicoUsd: ZERO_USD, overrunPicoUsd: ZERO_USD };

  it('reports a fault when figures still change at the timeout', async () => {
    let spent = 0n;
    const ledger = async () => ({ ...figures, spentPicoUsd: picoUsd(spent++) });
    expect(await waitUntilSettled({ upstream: undefined }, { ledger }, 500)).toMatchObject({
      faults: ['calls were still in flight or settling 0.5 s after the last answer'],
    });
  });

  it('reports no fault once figures are stable', async () => {
    const ledger = async () => ({ ...figures, spentPicoUsd: picoUsd(7n) });
    expect(await waitUntilSettled({ upstream: undefined }, { ledger })).toMatchObject({
      ledger: { spentPicoUsd: 7n },
      faults: [],
    });
  });
});
