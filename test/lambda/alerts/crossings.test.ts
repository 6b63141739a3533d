import { describe, expect, it } from 'vitest';
import { buildAlert } from '../../../lambda/alerts/alert.ts';
import { alertLevel, findCrossings, firstCrossings } from '../../../lambda/alerts/crossings.ts';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { ORGANIZATION } from '../../../lambda/kernel/organization.ts';
import { NO_USAGE, type UsageRow } from '../../../lambda/usage/usage.ts';
import { snapshotWith, usd } from '../../support/alert-delivery.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const settings = { percents: [95, 50, 80, 12.5], usd: [250, 100] };
const names = (...fields: Parameters<typeof snapshotWith>) =>
  findCrossings(snapshotWith(...fields), settings).map(({ threshold }) => threshold);

describe('the thresholds that a budget has reached', () => {
  it.each([
    ['no spending', {}, []],
    ['a percentage exactly', { spentPicoUsd: usd(50) }, ['12.5%', '50%']],
    ['a pico-dollar less than a percentage', { spentPicoUsd: picoUsd(usd(50) - 1n) }, ['12.5%']],
    ['more than the budget', { spentPicoUsd: usd(130) }, ['12.5%', '50%', '80%', '95%']],
    ['a budget of zero without spending', { limitPicoUsd: usd(0) }, []],
    [
      'a budget of zero with spending',
      { limitPicoUsd: usd(0), spentPicoUsd: picoUsd(1n) },
      ['12.5%', '50%', '80%', '95%'],
    ],
    ['a budget after a top-up', { limitPicoUsd: usd(200), spentPicoUsd: usd(80) }, ['12.5%']],
    ['amounts in dollars for a team', { limitPicoUsd: usd(10_000), spentPicoUsd: usd(300) }, []],
    [
      'amounts in dollars for the organisation',
      { holder: ORGANIZATION, limitPicoUsd: usd(10_000), spentPicoUsd: usd(250) },
      ['$100', '$250'],
    ],
  ])('are found for %s', (_what, fields, expected) => expect(names(fields)).toEqual(expected));

  it('may have decimals and are compared exactly', () => {
    const settings = { percents: [99.5], usd: [] };
    expect(findCrossings(snapshotWith({ spentPicoUsd: usd(99.4999) }), settings)).toEqual([]);
    expect(findCrossings(snapshotWith({ spentPicoUsd: usd(99.5) }), settings)).toMatchObject([{ threshold: '99.5%' }]);
  });

  it('use the snapshot closest to the crossing, in whatever order snapshots come', () => {
    const budgetSnapshots = [85, 81, 79, 96, 60].map((spent) => snapshotWith({ spentPicoUsd: usd(spent) }));
    const raised = snapshotWith({ spentPicoUsd: usd(97), limitPicoUsd: usd(500) });
    expect(
      firstCrossings([...budgetSnapshots, raised], settings).map(({ threshold, spentPicoUsd }) => [
        threshold,
        spentPicoUsd,
      ]),
    ).toEqual([
      ['12.5%', usd(60)],
      ['50%', usd(60)],
      ['80%', usd(81)],
      ['95%', usd(96)],
    ]);
  });

  it.each([
    ['50%', 'INFO'],
    ['80%', 'WARN'],
    ['94.9%', 'WARN'],
    ['95%', 'ALERT'],
    ['$250', 'WARN'],
  ])('%s has level %s', (threshold, level) => {
    expect(alertLevel({ ...snapshotWith({ spentPicoUsd: usd(85) }), threshold })).toBe(level);
  });
});

describe('an alert', () => {
  const row = (team: string, model: string, keyId: string, cost: number, day = '2026-11-23'): UsageRow => ({
    ...NO_USAGE,
    ...{ team, day, keyId, model, costPicoUsd: usd(cost) },
  });
  const rows = [row('a', 'm/big', 'k1', 9), row('a', 'm/small', 'k2', 5), row('a', 'm/small', 'k1', 6, '2026-11-22')];
  const before = row('a', 'm/old', 'k0', 999, '2026-10-31');

  it('has every figure, and a text that a person can act on', () => {
    const crossing = { ...snapshotWith({ spentPicoUsd: usd(80.125), limitPicoUsd: usd(100) }), threshold: '80%' };
    expect(buildAlert('prod', crossing, [...rows, before], START_MS)).toEqual({
      alertId: 'prod/2026-11/a/80%',
      environment: 'prod',
      holder: 'a',
      period: '2026-11',
      threshold: '80%',
      level: 'WARN',
      spentUsd: '80.125',
      limitUsd: '100',
      usedPercent: 80.125,
      burnRateUsdPerDay: '40.0625',
      projectedMonthEndUsd: '360.5625',
      projectedExhaustionDay: '2026-11-24',
      topTeam: 'a',
      topModel: 'm/small',
      topKey: 'k1',
      whatToDo: expect.stringContaining('budget show --env prod --team a'),
      text: expect.stringMatching(
        /^Groq gateway prod: 80 % passed\. Team a has spent \$80\.12 of \$100 in 2026-11 \(80\.1 %\)\. At the recent rate of \$40\.06 a day, the budget is used up on 2026-11-24, and the month costs \$360\.56\. Highest cost: model m\/small, key k1\. \$19\.87 are left\./,
      ),
    });
  });

  it('has a one-line text that needs no escaping in JSON, for every holder and threshold', () => {
    for (const holder of ['a', ORGANIZATION])
      for (const threshold of ['50%', '95%', '$100'])
        for (const spent of [0.000123, 96, 120]) {
          const { text } = buildAlert(
            'prod',
            { ...snapshotWith({ holder, spentPicoUsd: usd(spent) }), threshold },
            rows,
            START_MS,
          );
          expect(JSON.stringify(text)).toBe(`"${text}"`);
          expect(text).not.toMatch(/[<>]/);
          expect(text).toContain(spent >= 100 ? 'To raise the budget' : 'are left');
        }
  });

  it('evaluates a past month at its last moment', () => {
    const crossing = {
      ...snapshotWith({ period: '2026-10', spentPicoUsd: usd(62), limitPicoUsd: usd(100) }),
      threshold: '50%',
    };
    const days = Array.from({ length: 31 }, (_, n) =>
      row('a', 'm', 'k', 2, `2026-10-${String(n + 1).padStart(2, '0')}`),
    );
    const alert = buildAlert('prod', crossing, [...days, ...rows], START_MS);
    expect(alert).toMatchObject({ topModel: 'm', projectedExhaustionDay: null });
    expect(Number(alert.projectedMonthEndUsd)).toBeCloseTo(62, 4);
  });
});
