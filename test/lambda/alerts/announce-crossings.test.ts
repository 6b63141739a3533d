import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { announceCrossings, announceMissed, LEASE_MS } from '../../../lambda/alerts/announce-crossings.ts';
import { crossingName, crossingsOf } from '../../../lambda/alerts/crossings.ts';
import { ORGANIZATION } from '../../../lambda/kernel/holder.ts';
import type { Sight } from '../../../lambda/ledger/budget-standing.ts';
import { NO_USAGE } from '../../../lambda/usage/usage.ts';
import { announcerWith, MemoryClaims, sightWith, usd } from '../../support/alert-world.ts';
import { START_MS } from '../../support/ledger/ledger-terms.ts';

let claims: MemoryClaims;
beforeEach(() => {
  claims = new MemoryClaims();
});
const spent = (amount: number, fields: Partial<Sight> = {}) => sightWith({ spent: usd(amount), ...fields });

describe('announcing what has been crossed', () => {
  it('tells each threshold once, by an event and a line of the log', async () => {
    const { ports, published, logged } = announcerWith(claims);
    for (const sight of [spent(10), spent(81), spent(82), spent(96)]) await announceCrossings(ports, [sight]);
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
    const { ports } = announcerWith(claims);
    await announceCrossings(ports, [spent(49)]);
    expect(claims.reads).toBe(0);
    await announceCrossings(ports, [spent(51)]);
    const asked = claims.reads;
    await announceCrossings(ports, [spent(52), spent(60)]);
    expect(claims.reads).toBe(asked);
  });

  it('tells once of two who see it at once, and of one who comes later', async () => {
    const [a, b, later] = [announcerWith(claims), announcerWith(claims), announcerWith(claims)];
    await Promise.all([announceCrossings(a.ports, [spent(51)]), announceCrossings(b.ports, [spent(51)])]);
    await announceCrossings(later.ports, [spent(52)]);
    expect([...a.published, ...b.published, ...later.published]).toHaveLength(1);
  });

  it('tells nothing again when a top-up lowers the share and it rises once more, and again in a new month', async () => {
    const { ports, published } = announcerWith(claims);
    for (const sight of [spent(51), spent(51, { limit: usd(200) }), spent(120, { limit: usd(200) })])
      await announceCrossings(ports, [sight]);
    await announceCrossings(ports, [spent(60, { period: '2026-12' })]);
    expect(published.map(({ alertId }) => alertId)).toEqual(['test/2026-11/a/50%', 'test/2026-12/a/50%']);
  });

  it('leaves what could not be told to the sweep, which tells it once the lease is over, as it was first seen', async () => {
    const failing = announcerWith(claims, { publish: async () => Promise.reject(new Error('no bus')) });
    expect(await announceCrossings(failing.ports, [spent(51)])).toEqual(['2026-11/a/50%']);
    expect(failing.logged).toEqual([{ event: 'alert_untold', alert: '2026-11/a/50%', error: 'Error' }]);
    const early = announcerWith(claims);
    expect(await announceMissed(early.ports, [spent(52)], [])).toEqual([]);
    expect(early.published).toEqual([]);
    const late = announcerWith(claims, { nowEpochMs: () => START_MS + LEASE_MS });
    // A top-up has come meanwhile: nothing stands above a threshold any more.
    await announceMissed(late.ports, [spent(52, { limit: usd(1_000) })], []);
    expect(late.published).toMatchObject([{ alertId: 'test/2026-11/a/50%', spentUsd: '51', limitUsd: '100' }]);
  });

  it('tells by the process that found it busy, once whoever had claimed it has not told it in time', async () => {
    let nowEpochMs = START_MS;
    const failing = announcerWith(claims, { publish: async () => Promise.reject(new Error('no bus')) });
    await announceCrossings(failing.ports, [spent(51)]);
    const other = announcerWith(claims, { nowEpochMs: () => nowEpochMs });
    await announceCrossings(other.ports, [spent(52)]);
    expect(other.published).toEqual([]);
    nowEpochMs += LEASE_MS;
    await announceCrossings(other.ports, [spent(53)]);
    expect(other.published).toMatchObject([{ alertId: 'test/2026-11/a/50%', spentUsd: '51' }]);
  });

  it('rates by the days before a month that has just begun', async () => {
    const nowEpochMs = START_MS + 7 * 86_400_000;
    const asked: string[] = [];
    const rowsOf = async (_: string, from: string, to: string) => {
      asked.push(`${from} to ${to}`);
      return [];
    };
    const { ports } = announcerWith(claims, { usage: { rowsOf }, nowEpochMs: () => nowEpochMs });
    await announceCrossings(ports, [spent(51, { period: '2026-12' })]);
    expect(asked).toEqual(['2026-11-24 to 2026-12-31']);
  });

  it('tells it again with the same id when a process dies before it is marked, and loses nothing', async () => {
    const dying = new MemoryClaims();
    const dead = announcerWith(dying);
    dying.markTold = async () => Promise.reject(new Error('killed'));
    await announceCrossings(dead.ports, [spent(51)]);
    Reflect.deleteProperty(dying, 'markTold');
    const late = announcerWith(dying, { nowEpochMs: () => START_MS + LEASE_MS });
    for (let sweeps = 0; sweeps < 3; sweeps++) await announceMissed(late.ports, [spent(55)], []);
    expect([...dead.published, ...late.published].map(({ alertId, spentUsd }) => [alertId, spentUsd])).toEqual([
      ['test/2026-11/a/50%', '51'],
      ['test/2026-11/a/50%', '51'],
    ]);
  });

  it('says what all teams spent it on, where it is the organisation that crossed', async () => {
    const read: string[] = [];
    const usage = {
      rowsOf: async (team: string) => {
        read.push(team);
        const costPicoUsd = usd(team === 'b' ? 70 : 30);
        return [{ ...NO_USAGE, team, day: '2026-11-20', keyId: `${team}-key`, model: 'm', costPicoUsd }];
      },
    };
    const { ports, published } = announcerWith(claims, { usage });
    await announceMissed(ports, [spent(100, { holder: ORGANIZATION, limit: usd(500) })], ['a', 'b']);
    expect(read).toEqual(['a', 'b']);
    expect(published).toMatchObject([{ threshold: '$100', topTeam: 'b', topKey: 'b-key', topModel: 'm' }]);
  });
});

const PERIODS = ['2026-11', '2026-12'];
const anySight = fc.record({
  holder: fc.constantFrom('a', 'b'),
  period: fc.constantFrom(...PERIODS),
  spent: fc.integer({ min: 0, max: 130 }).map(usd),
  limit: fc.constantFrom(50, 100, 200).map(usd),
});
const anyStep = fc.record({
  /** Which processes see it, at once. */
  by: fc.subarray([0, 1, 2], { minLength: 1 }),
  sights: fc.array(anySight, { minLength: 1, maxLength: 4 }),
  isSweep: fc.boolean(),
  /** Where whoever announces dies, if it does. */
  dies: fc.constantFrom('never', 'never', 'before publishing', 'before marking'),
  laterMs: fc.constantFrom(0, 1_000, LEASE_MS, 3 * LEASE_MS),
});

it('tells every crossing, and once but for deaths between publishing and marking, whatever comes in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 12 }), async (steps) => {
      const world = new MemoryClaims();
      const told: string[] = [];
      const deaths: string[] = [];
      const crossed = new Set<string>();
      let nowMs = START_MS;
      let dies = 'never';
      const dying: MemoryClaims['markTold'] = async (crossing, atMs) => {
        if (dies === 'before marking') {
          deaths.push(`test/${crossingName(crossing)}`);
          throw new Error('killed');
        }
        await world.markTold(crossing, atMs);
      };
      const portOf = () =>
        announcerWith(
          { claim: (...of) => world.claim(...of), recordsOf: (of) => world.recordsOf(of), markTold: dying },
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
        for (const sight of step.sights)
          for (const one of crossingsOf(sight, processes[0]?.settings ?? { percents: [], usd: [] }))
            crossed.add(`test/${crossingName(one)}`);
        await Promise.all(
          step.by.map((process) => {
            const ports = processes[process] ?? portOf();
            return step.isSweep ? announceMissed(ports, step.sights, []) : announceCrossings(ports, step.sights);
          }),
        );
      }
      dies = 'never';
      nowMs += LEASE_MS;
      // The last sweep sees nothing above any threshold, and still misses nothing that anyone claimed.
      await announceMissed(
        portOf(),
        PERIODS.map((period) => sightWith({ period })),
        [],
      );
      const times = (of: readonly string[], id: string) => of.filter((one) => one === id).length;
      expect([...new Set(told)].sort()).toEqual([...crossed].sort());
      for (const id of crossed) expect(times(told, id)).toBeLessThanOrEqual(1 + times(deaths, id));
    }),
    { numRuns: 500 },
  );
});
