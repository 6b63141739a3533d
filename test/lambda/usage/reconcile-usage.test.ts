import { describe, expect, it } from 'vitest';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import type { LedgerKey } from '../../../lambda/ledger/ports.ts';
import {
  ledgersToReconcile,
  type ReconcilePorts,
  reconcileUsage,
  totalGap,
} from '../../../lambda/usage/reconcile-usage.ts';
import { NO_USAGE } from '../../../lambda/usage/usage.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const KEY: LedgerKey = { team: 'a', period: '2026-11' };
const TIMING = { quietPeriodMs: 1_000, attempts: 4 };

/** A ledger and its usage at one second; the last moment stays in effect. */
type Moment = { readonly spent: bigint; readonly assumed?: bigint; readonly counted: bigint };

async function reconcile(moments: readonly Moment[]) {
  const clock = fakeClock();
  const now = () => moments[Math.min(moments.length - 1, Math.floor(clock.sleptMs() / 1_000))] as Moment;
  const ports: ReconcilePorts = {
    clock,
    ledger: {
      read: async () => ({ spentPicoUsd: picoUsd(now().spent), assumedPicoUsd: picoUsd(now().assumed ?? 0n) }),
    },
    usage: {
      listRows: async () => [
        { ...NO_USAGE, team: 'a', day: '2026-11-03', keyId: 'k', model: 'm', costPicoUsd: picoUsd(now().counted) },
        // A row of another period.
        { ...NO_USAGE, team: 'a', day: '2026-10-31', keyId: 'k', model: 'm', costPicoUsd: picoUsd(99n) },
      ],
    },
  };
  return await reconcileUsage(ports, [KEY], TIMING);
}
const expectedGap = (spent: bigint, isExact: boolean) => ({ ...KEY, spentPicoUsd: spent, isExact });

describe('a reconciliation', () => {
  it('finds an unchanged ledger equal to its usage, even if usage was behind at first', async () => {
    expect(await reconcile([{ spent: 5n, counted: 5n }])).toMatchObject({ equal: 1, gaps: [], busy: [] });
    expect(
      await reconcile([
        { spent: 5n, counted: 2n },
        { spent: 5n, counted: 5n },
      ]),
    ).toMatchObject({ equal: 1 });
  });

  it('waits for a changing ledger, and does not mistake usage in flight for a gap', async () => {
    const moving = [1n, 2n, 3n].map((spent) => ({ spent, counted: spent - 1n }));
    expect(await reconcile([...moving, { spent: 3n, counted: 3n }])).toMatchObject({ equal: 1, gaps: [], busy: [] });
  });

  it('reports missing and surplus usage exactly', async () => {
    expect((await reconcile([{ spent: 9n, counted: 5n }])).gaps).toMatchObject([expectedGap(4n, true)]);
    expect((await reconcile([{ spent: 5n, counted: 9n }])).gaps).toMatchObject([expectedGap(-4n, true)]);
    const assumed = (await reconcile([{ spent: 5n, assumed: 2n, counted: 5n }])).gaps;
    expect(assumed).toMatchObject([{ spentPicoUsd: 0n, assumedPicoUsd: 2n }]);
    expect(totalGap(assumed)).toBe(2n);
  });

  it('reports the minimum gap of a ledger that keeps changing, or that none is known', async () => {
    const busy = (lost: bigint) =>
      Array.from({ length: 9 }, (_, second) => ({
        spent: 100n + BigInt(second),
        counted: 100n + BigInt(second) - lost,
      }));
    expect(await reconcile(busy(0n))).toMatchObject({ equal: 0, gaps: [], busy: [KEY] });
    expect(await reconcile(busy(50n))).toMatchObject({ gaps: [expectedGap(49n, false)], busy: [] });
  });

  it('does not mistake a correction of assumed spending for a gap', async () => {
    const moments = Array.from({ length: 9 }, (_, second) => ({
      spent: 1_000n - BigInt(second),
      assumed: 500n - BigInt(second),
      counted: 1_000n - BigInt(second),
    }));
    expect(await reconcile(moments)).toMatchObject({ gaps: [], busy: [KEY] });
  });

  it('continues if a ledger cannot be read, and names it', async () => {
    const ports: ReconcilePorts = {
      clock: fakeClock(),
      ledger: { read: async ({ team }) => (team === 'a' ? Promise.reject(new Error('down')) : undefined) },
      usage: { listRows: async () => [] },
    };
    const other = { ...KEY, team: 'b' };
    expect(await reconcileUsage(ports, [KEY, other], TIMING)).toEqual({
      equal: 1,
      gaps: [],
      busy: [],
      failed: [KEY],
    });
  });

  it('adds up the sizes of gaps, so that a negative one does not cancel a positive one', () => {
    const gap = { ...KEY, assumedPicoUsd: picoUsd(0n), isExact: true };
    expect(
      totalGap([
        { ...gap, spentPicoUsd: picoUsd(5n) },
        { ...gap, spentPicoUsd: picoUsd(-5n) },
      ]),
    ).toBe(10n);
  });
});

it('reconciles this period and the last, including former teams', async () => {
  const readOrganization = async (period: string) =>
    period === '2026-10' ? ({ holders: new Set(['gone']) } as never) : undefined;
  expect(await ledgersToReconcile({ readOrganization }, ['a'], START_MS)).toEqual([
    { team: 'a', period: '2026-11' },
    { team: 'a', period: '2026-10' },
    { team: 'gone', period: '2026-10' },
  ]);
});
