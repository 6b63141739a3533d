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

describe('announcing what has been crossed', () => {
  it('tells each threshold once, by an event and a line of the log', async () => {
    const { ports, published, logged } = alertDeliveryWith(claims);
    for (const sight of [spent(10), spent(81), spent(82), spent(96)]) await deliverAlerts(ports, [sight]);
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

  it('asks nothing where no threshold is crossed, and nothing again of what this process knows to be told', async () => {
    const { ports } = alertDeliveryWith(claims);
    await deliverAlerts(ports, [spent(49)]);
    expect(claims.reads).toBe(0);
    await deliverAlerts(ports, [spent(51)]);
    const asked = claims.reads;
    await deliverAlerts(ports, [spent(52), spent(60)]);
    expect(claims.reads).toBe(asked);
  });

  it('tells once of two who see it at once, and of one who comes later', async () => {
    const [a, b, later] = [alertDeliveryWith(claims), alertDeliveryWith(claims), alertDeliveryWith(claims)];
    await Promise.all([deliverAlerts(a.ports, [spent(51)]), deliverAlerts(b.ports, [spent(51)])]);
    await deliverAlerts(later.ports, [spent(52)]);
    expect([...a.published, ...b.published, ...later.published]).toHaveLength(1);
  });

  it('tells nothing again when a top-up lowers the share and it rises once more, and again in a new month', async () => {
    const { ports, published } = alertDeliveryWith(claims);
    for (const sight of [spent(51), spent(51, { limitPicoUsd: usd(200) }), spent(120, { limitPicoUsd: usd(200) })])
      await deliverAlerts(ports, [sight]);
    await deliverAlerts(ports, [spent(60, { period: '2026-12' })]);
    expect(published.map(({ alertId }) => alertId)).toEqual(['test/2026-11/a/50%', 'test/2026-12/a/50%']);
  });

  it('leaves what could not be told to the sweep, which tells it once the lease is over, as it was first seen', async () => {
    const failing = alertDeliveryWith(claims, { publish: async () => Promise.reject(new Error('no bus')) });
    expect(await deliverAlerts(failing.ports, [spent(51)])).toEqual(['2026-11/a/50%']);
    expect(failing.logged).toEqual([{ event: 'alert_undelivered', alert: '2026-11/a/50%', error: 'Error' }]);
    const early = alertDeliveryWith(claims);
    expect(await deliverMissedAlerts(early.ports, [spent(52)], [])).toEqual([]);
    expect(early.published).toEqual([]);
    const late = alertDeliveryWith(claims, { nowEpochMs: () => START_MS + LEASE_MS });
    // A top-up has come meanwhile: nothing stands above a threshold any more.
    await deliverMissedAlerts(late.ports, [spent(52, { limitPicoUsd: usd(1_000) })], []);
    expect(late.published).toMatchObject([{ alertId: 'test/2026-11/a/50%', spentUsd: '51', limitUsd: '100' }]);
  });

  it('tells by the process that found it busy, once whoever had claimed it has not told it in time', async () => {
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

  it('rates by the days before a month that has just begun', async () => {
    const nowEpochMs = START_MS + 7 * 86_400_000;
    const asked: string[] = [];
    const listRows = async (_: string, from: string, to: string) => {
      asked.push(`${from} to ${to}`);
      return [];
    };
    const { ports } = alertDeliveryWith(claims, { usage: { listRows }, nowEpochMs: () => nowEpochMs });
    await deliverAlerts(ports, [spent(51, { period: '2026-12' })]);
    expect(asked).toEqual(['2026-11-24 to 2026-12-31']);
  });

  it('tells it again with the same id when a process dies before it is marked, and loses nothing', async () => {
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

  it('says what all teams spent it on, where it is the organisation that crossed', async () => {
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
const anySight = fc.record({
  holder: fc.constantFrom('a', 'b'),
  period: fc.constantFrom(...PERIODS),
  spentPicoUsd: fc.integer({ min: 0, max: 130 }).map(usd),
  limitPicoUsd: fc.constantFrom(50, 100, 200).map(usd),
});
const anyStep = fc.record({
  /** Which processes see it, at once. */
  by: fc.subarray([0, 1, 2], { minLength: 1 }),
  budgetSnapshots: fc.array(anySight, { minLength: 1, maxLength: 4 }),
  isSweep: fc.boolean(),
  /** Where whoever announces dies, if it does. */
  dies: fc.constantFrom('never', 'never', 'before publishing', 'before marking'),
  laterMs: fc.constantFrom(0, 1_000, LEASE_MS, 3 * LEASE_MS),
});

it('tells every crossing, and once but for deaths between publishing and marking, whatever comes in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 12 }), async (steps) => {
      const world = new MemoryAlertRepository();
      const told: string[] = [];
      const deaths: string[] = [];
      const crossed = new Set<string>();
      let nowMs = START_MS;
      let dies = 'never';
      const dying: MemoryAlertRepository['markDelivered'] = async (crossing, atMs) => {
        if (dies === 'before marking') {
          deaths.push(`test/${crossingId(crossing)}`);
          throw new Error('killed');
        }
        await world.markDelivered(crossing, atMs);
      };
      const portOf = () =>
        alertDeliveryWith(
          { claim: (...of) => world.claim(...of), listRecords: (of) => world.listRecords(of), markDelivered: dying },
          {
            nowEpochMs: () => nowMs,
            publish: async ({ alertId }) => {
              await Promise.resolve();
              if (dies === 'before publishing') throw new Error('killed');
              told.push(alertId);
            },
          },
        ).ports;
      const processes = [portOf(), portOf(), portOf()];
      for (const step of steps) {
        nowMs += step.laterMs;
        dies = step.dies;
        for (const sight of step.budgetSnapshots)
          for (const one of findCrossings(sight, processes[0]?.settings ?? { percents: [], usd: [] }))
            crossed.add(`test/${crossingId(one)}`);
        await Promise.all(
          step.by.map((process) => {
            const ports = processes[process] ?? portOf();
            return step.isSweep
              ? deliverMissedAlerts(ports, step.budgetSnapshots, [])
              : deliverAlerts(ports, step.budgetSnapshots);
          }),
        );
      }
      dies = 'never';
      nowMs += LEASE_MS;
      // The last sweep sees nothing above any threshold, and still misses nothing that anyone claimed.
      await deliverMissedAlerts(
        portOf(),
        PERIODS.map((period) => snapshotWith({ period })),
        [],
      );
      const times = (of: readonly string[], id: string) => of.filter((one) => one === id).length;
      expect([...new Set(told)].sort()).toEqual([...crossed].sort());
      for (const id of crossed) expect(times(told, id)).toBeLessThanOrEqual(1 + times(deaths, id));
    }),
    { numRuns: 500 },
  );
});
