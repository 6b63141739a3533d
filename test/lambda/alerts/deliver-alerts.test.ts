import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { crossingId, findCrossings } from '../../../lambda/alerts/crossings.ts';
import { deliverAlerts, deliverMissedAlerts, LEASE_MS } from '../../../lambda/alerts/deliver-alerts.ts';
import { ORGANIZATION } from '../../../lambda/kernel/organization.ts';
import type { BudgetSnapshot } from '../../../lambda/ledger/budget-snapshot.ts';
import { NO_USAGE } from '../../../lambda/usage/usage.ts';
import { alertDeliveryWith, MemoryAlertRepository, snapshotWith, usd } from '../../support/alert-delivery.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

let claims: MemoryAlertRepository;
beforeEach(() => {
  claims = new MemoryAlertRepository();
});
const spent = (amount: number, fields: Partial<BudgetSnapshot> = {}) =>
  snapshotWith({ spentPicoUsd: usd(amount), ...fields });

describe('delivering alerts', () => {
  it('delivers each threshold once, as an event and a line in the log', async () => {
    const { ports, published, logged } = alertDeliveryWith(claims);
    for (const snapshot of [spent(10), spent(81), spent(82), spent(96)]) await deliverAlerts(ports, [snapshot]);
    expect(published.map(({ threshold, spentUsd }) => [threshold, spentUsd])).toEqual([
      ['50%', '81'],
      ['80%', '81'],
      ['95%', '96'],
    ]);
    expect(logged.map(({ event, level }) => [event, level])).toEqual([
      ['budget_threshold_crossed', 'INFO'],
      ['budget_threshold_crossed', 'WARN'],
      ['budget_threshold_crossed', 'ALERT'],
    ]);
  });

  it('reads nothing if no threshold is crossed, or if it knows that the alert is delivered', async () => {
    const { ports } = alertDeliveryWith(claims);
    await deliverAlerts(ports, [spent(49)]);
    expect(claims.reads).toBe(0);
    await deliverAlerts(ports, [spent(51)]);
    const reads = claims.reads;
    await deliverAlerts(ports, [spent(52), spent(60)]);
    expect(claims.reads).toBe(reads);
  });

  it('delivers once if two processes race, or one comes later', async () => {
    const [a, b, later] = [alertDeliveryWith(claims), alertDeliveryWith(claims), alertDeliveryWith(claims)];
    await Promise.all([deliverAlerts(a.ports, [spent(51)]), deliverAlerts(b.ports, [spent(51)])]);
    await deliverAlerts(later.ports, [spent(52)]);
    expect([...a.published, ...b.published, ...later.published]).toHaveLength(1);
  });

  it('delivers nothing again when spending passes a threshold again after a top-up, but does in a new month', async () => {
    const { ports, published } = alertDeliveryWith(claims);
    for (const snapshot of [spent(51), spent(51, { limitPicoUsd: usd(200) }), spent(120, { limitPicoUsd: usd(200) })])
      await deliverAlerts(ports, [snapshot]);
    await deliverAlerts(ports, [spent(60, { period: '2026-12' })]);
    expect(published.map(({ alertId }) => alertId)).toEqual(['test/2026-11/a/50%', 'test/2026-12/a/50%']);
  });

  it('leaves an undelivered alert to the sweep, which delivers the first crossing once the lease has expired', async () => {
    const failing = alertDeliveryWith(claims, { publish: async () => Promise.reject(new Error('no bus')) });
    expect(await deliverAlerts(failing.ports, [spent(51)])).toEqual(['2026-11/a/50%']);
    expect(failing.logged).toEqual([{ event: 'alert_undelivered', alert: '2026-11/a/50%', error: 'Error' }]);
    const early = alertDeliveryWith(claims);
    expect(await deliverMissedAlerts(early.ports, [spent(52)], [])).toEqual([]);
    expect(early.published).toEqual([]);
    const late = alertDeliveryWith(claims, { nowEpochMs: () => START_MS + LEASE_MS });
    // After a top-up, the spending is below every threshold.
    await deliverMissedAlerts(late.ports, [spent(52, { limitPicoUsd: usd(1_000) })], []);
    expect(late.published).toMatchObject([{ alertId: 'test/2026-11/a/50%', spentUsd: '51', limitUsd: '100' }]);
  });

  it("delivers by the process that found it busy, once the other's lease has expired", async () => {
    let nowEpochMs = START_MS;
    const failing = alertDeliveryWith(claims, { publish: async () => Promise.reject(new Error('no bus')) });
    await deliverAlerts(failing.ports, [spent(51)]);
    const other = alertDeliveryWith(claims, { nowEpochMs: () => nowEpochMs });
    await deliverAlerts(other.ports, [spent(52)]);
    expect(other.published).toEqual([]);
    nowEpochMs += LEASE_MS;
    await deliverAlerts(other.ports, [spent(53)]);
    expect(other.published).toMatchObject([{ alertId: 'test/2026-11/a/50%', spentUsd: '51' }]);
  });

  it('calculates the rate of a new month from the days before it', async () => {
    const nowEpochMs = START_MS + 7 * 86_400_000;
    const ranges: string[] = [];
    const listRows = async (_: string, from: string, to: string) => {
      ranges.push(`${from} to ${to}`);
      return [];
    };
    const { ports } = alertDeliveryWith(claims, { usage: { listRows }, nowEpochMs: () => nowEpochMs });
    await deliverAlerts(ports, [spent(51, { period: '2026-12' })]);
    expect(ranges).toEqual(['2026-11-24 to 2026-12-31']);
  });

  it('delivers again with the same id if a process dies before it marks the alert', async () => {
    const dying = new MemoryAlertRepository();
    const dead = alertDeliveryWith(dying);
    dying.markDelivered = async () => Promise.reject(new Error('killed'));
    await deliverAlerts(dead.ports, [spent(51)]);
    Reflect.deleteProperty(dying, 'markDelivered');
    const late = alertDeliveryWith(dying, { nowEpochMs: () => START_MS + LEASE_MS });
    for (let sweeps = 0; sweeps < 3; sweeps++) await deliverMissedAlerts(late.ports, [spent(55)], []);
    expect([...dead.published, ...late.published].map(({ alertId, spentUsd }) => [alertId, spentUsd])).toEqual([
      ['test/2026-11/a/50%', '51'],
      ['test/2026-11/a/50%', '51'],
    ]);
  });

  it('names the highest costs of all teams for the organisation', async () => {
    const read: string[] = [];
    const usage = {
      listRows: async (team: string) => {
        read.push(team);
        const costPicoUsd = usd(team === 'b' ? 70 : 30);
        return [{ ...NO_USAGE, team, day: '2026-11-20', keyId: `${team}-key`, model: 'm', costPicoUsd }];
      },
    };
    const { ports, published } = alertDeliveryWith(claims, { usage });
    await deliverMissedAlerts(ports, [spent(100, { holder: ORGANIZATION, limitPicoUsd: usd(500) })], ['a', 'b']);
    expect(read).toEqual(['a', 'b']);
    expect(published).toMatchObject([{ threshold: '$100', topTeam: 'b', topKey: 'b-key', topModel: 'm' }]);
  });
});

const PERIODS = ['2026-11', '2026-12'];
const anySnapshot = fc.record({
  holder: fc.constantFrom('a', 'b'),
  period: fc.constantFrom(...PERIODS),
  spentPicoUsd: fc.integer({ min: 0, max: 130 }).map(usd),
  limitPicoUsd: fc.constantFrom(50, 100, 200).map(usd),
});
const anyStep = fc.record({
  /** Processes that handle the snapshots concurrently. */
  by: fc.subarray([0, 1, 2], { minLength: 1 }),
  budgetSnapshots: fc.array(anySnapshot, { minLength: 1, maxLength: 4 }),
  isSweep: fc.boolean(),
  /** The point at which a delivering process dies. */
  dies: fc.constantFrom('never', 'never', 'before publishing', 'before marking'),
  laterMs: fc.constantFrom(0, 1_000, LEASE_MS, 3 * LEASE_MS),
});

it('delivers every crossing, and once unless a process dies between publishing and marking, in any order of events', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 12 }), async (steps) => {
      const repository = new MemoryAlertRepository();
      const published: string[] = [];
      const deaths: string[] = [];
      const crossed = new Set<string>();
      let nowMs = START_MS;
      let dies = 'never';
      const dying: MemoryAlertRepository['markDelivered'] = async (crossing, atMs) => {
        if (dies === 'before marking') {
          deaths.push(`test/${crossingId(crossing)}`);
          throw new Error('killed');
        }
        await repository.markDelivered(crossing, atMs);
      };
      const createPorts = () =>
        alertDeliveryWith(
          {
            claim: (...args) => repository.claim(...args),
            listRecords: (period) => repository.listRecords(period),
            markDelivered: dying,
          },
          {
            nowEpochMs: () => nowMs,
            publish: async ({ alertId }) => {
              await Promise.resolve();
              if (dies === 'before publishing') throw new Error('killed');
              published.push(alertId);
            },
          },
        ).ports;
      const processes = [createPorts(), createPorts(), createPorts()];
      for (const step of steps) {
        nowMs += step.laterMs;
        dies = step.dies;
        for (const snapshot of step.budgetSnapshots)
          for (const crossing of findCrossings(snapshot, processes[0]?.settings ?? { percents: [], usd: [] }))
            crossed.add(`test/${crossingId(crossing)}`);
        await Promise.all(
          step.by.map((process) => {
            const ports = processes[process] ?? createPorts();
            return step.isSweep
              ? deliverMissedAlerts(ports, step.budgetSnapshots, [])
              : deliverAlerts(ports, step.budgetSnapshots);
          }),
        );
      }
      dies = 'never';
      nowMs += LEASE_MS;
      // The last sweep sees no spending above a threshold, and still delivers every claimed alert.
      await deliverMissedAlerts(
        createPorts(),
        PERIODS.map((period) => snapshotWith({ period })),
        [],
      );
      const count = (ids: readonly string[], id: string) => ids.filter((other) => other === id).length;
      expect([...new Set(published)].sort()).toEqual([...crossed].sort());
      for (const id of crossed) expect(count(published, id)).toBeLessThanOrEqual(1 + count(deaths, id));
    }),
    { numRuns: 500 },
  );
});
