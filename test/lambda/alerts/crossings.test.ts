import { describe, expect, it } from 'vitest';
import { buildAlert } from '../../../lambda/alerts/alert.ts';
import { alertLevel, findCrossings, firstCrossings } from '../../../lambda/alerts/crossings.ts';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { ORGANIZATION } from '../../../lambda/kernel/organization.ts';
import { NO_USAGE, type UsageRow } from '../../../lambda/usage/usage.ts';
import { snapshotWith, usd } from '../../support/alert-delivery.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const settings = { percents: [95, 50, 80, 12.5], usd: [250, 100] };
const names = (...of: Parameters<typeof snapshotWith>) =>
  findCrossings(snapshotWith(...of), settings).map(({ threshold }) => threshold);

describe('the thresholds that a budget has reached', () => {
  it.each([
    ['nothing', {}, []],
    ['a share to the very pico-dollar', { spentPicoUsd: usd(50) }, ['12.5%', '50%']],
    ['a share but for a pico-dollar', { spentPicoUsd: picoUsd(usd(50) - 1n) }, ['12.5%']],
    ['all of it and more', { spentPicoUsd: usd(130) }, ['12.5%', '50%', '80%', '95%']],
    ['a budget of nothing, unspent', { limitPicoUsd: usd(0) }, []],
    ['a budget of nothing, spent', { limitPicoUsd: usd(0), spentPicoUsd: picoUsd(1n) }, ['12.5%', '50%', '80%', '95%']],
    ['what a top-up has raised', { limitPicoUsd: usd(200), spentPicoUsd: usd(80) }, ['12.5%']],
    ['amounts, for a team', { limitPicoUsd: usd(10_000), spentPicoUsd: usd(300) }, []],
    [
      'amounts, for the organisation',
      { holder: ORGANIZATION, limitPicoUsd: usd(10_000), spentPicoUsd: usd(250) },
      ['$100', '$250'],
    ],
  ])('are told of %s', (_what, fields, expected) => expect(names(fields)).toEqual(expected));

  it('may be of a part of a percent, and are met exactly', () => {
    const settings = { percents: [99.5], usd: [] };
    expect(findCrossings(snapshotWith({ spentPicoUsd: usd(99.4999) }), settings)).toEqual([]);
    expect(findCrossings(snapshotWith({ spentPicoUsd: usd(99.5) }), settings)).toMatchObject([{ threshold: '99.5%' }]);
  });

  it('are those of the sight nearest to the crossing, whatever comes after it and in whatever order', () => {
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
  ])('%s is of level %s', (threshold, level) => {
    expect(alertLevel({ ...snapshotWith({ spentPicoUsd: usd(85) }), threshold })).toBe(level);
  });
});

describe('the alert of a crossing', () => {
  const row = (team: string, model: string, keyId: string, cost: number, day = '2026-11-23'): UsageRow => ({
    ...NO_USAGE,
    ...{ team, day, keyId, model, costPicoUsd: usd(cost) },
  });
  const rows = [row('a', 'm/big', 'k1', 9), row('a', 'm/small', 'k2', 5), row('a', 'm/small', 'k1', 6, '2026-11-22')];
  const before = row('a', 'm/old', 'k0', 999, '2026-10-31');

  it('has all of it, for programs and in words that a person can act by', () => {
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
        /^Groq gateway prod: 80 % passed\. Team a has spent \$80\.12 of \$100 in 2026-11 \(80\.1 %\)\. At \$40\.06 a day, as lately, the budget is used up on 2026-11-24, and the month comes to \$360\.56\. Most of it went to the model m\/small, and by the key k1\. \$19\.87 are left\./,
      ),
    });
  });

  it('is one line that stands in JSON as it is, whoever it is of and however far it is', () => {
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
          expect(text).toContain(spent >= 100 ? 'To give more' : 'are left');
        }
  });

  it('looks at a month that is over from its last moment', () => {
    const crossing = {
      ...snapshotWith({ period: '2026-10', spentPicoUsd: usd(62), limitPicoUsd: usd(100) }),
      threshold: '50%',
    };
    const days = Array.from({ length: 31 }, (_, n) =>
      row('a', 'm', 'k', 2, `2026-10-${String(n + 1).padStart(2, '0')}`),
    );
    const told = buildAlert('prod', crossing, [...days, ...rows], START_MS);
    expect(told).toMatchObject({ topModel: 'm', projectedExhaustionDay: null });
    expect(Number(told.projectedMonthEndUsd)).toBeCloseTo(62, 4);
  });
});
