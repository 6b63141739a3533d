import { describe, expect, it } from 'vitest';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { describeFigures } from '../../../lambda/reporting/render/report-text.ts';
import { spendingForTeam } from '../../../lambda/reporting/spending-facts.ts';
import { buildWeeklyReport } from '../../../lambda/reporting/weekly-report.ts';
import { spendingWith, usageRow, WEEK } from '../../support/spending.ts';

const cost = (amount: bigint) => ({ costPicoUsd: picoUsd(amount) });

describe("a week's report", () => {
  it('has the days from Monday to Sunday, and the week before to compare with', () => {
    const rows = [
      usageRow({ day: '2026-11-08', ...cost(1n) }),
      usageRow({ day: '2026-11-09', ...cost(2n) }),
      usageRow({ day: '2026-11-15', ...cost(3n) }),
      usageRow({ day: '2026-11-16', ...cost(10n) }),
      usageRow({ day: '2026-11-22', ...cost(20n) }),
      usageRow({ day: '2026-11-23', ...cost(100n) }),
    ];
    const report = buildWeeklyReport(spendingWith(rows), WEEK);
    expect([report.from, report.to, report.days.length]).toEqual(['2026-11-16', '2026-11-22', 7]);
    expect([report.total.counts.costPicoUsd, report.total.previousCostPicoUsd]).toEqual([30n, 5n]);
    expect(report.teams).toMatchObject([{ team: 'a', counts: cost(30n), previousCostPicoUsd: 5n }]);
    expect(report.teams[0]?.budget).toMatchObject({ period: '2026-11', limitPicoUsd: 1_000n, spentPicoUsd: 136n });
    expect(report.organization).toMatchObject({ limitPicoUsd: 5_000n, spentPicoUsd: 136n });
  });

  it('names the model and the key that cost the most, and those teams that did nothing', () => {
    const rows = [
      usageRow({ model: 'small', keyId: 'k1', ...cost(5n) }),
      usageRow({ model: 'large', keyId: 'k2', ...cost(6n) }),
      usageRow({ model: 'small', keyId: 'k1', day: '2026-11-19', ...cost(5n) }),
      // Refused alone: no part of what was used.
      usageRow({ model: 'unknown', requests: 0, ...cost(0n), refusals: { model_not_found: 9 } }),
    ];
    const facts = spendingWith(rows, { names: new Map([['k1', 'a-test-main']]), teams: ['a', 'idle'] });
    const { teams, models } = buildWeeklyReport(facts, WEEK);
    expect(teams[0]).toMatchObject({
      topModel: { id: 'small', costPicoUsd: 10n },
      topKey: { id: 'k1', name: 'a-test-main', costPicoUsd: 10n },
    });
    expect(teams[1]).toMatchObject({ team: 'idle', topModel: undefined, topKey: undefined, counts: { requests: 0 } });
    expect(models.map(({ model }) => model)).toEqual(['small', 'large', 'unknown']);
  });

  it.each([
    ['whole', '2026-11-23T06:00:00Z', {}, 'final', 0n],
    ['a second before its end', '2026-11-22T23:59:59Z', {}, 'provisional', 0n],
    ['behind its ledger', '2026-11-23T06:00:00Z', { spentPicoUsd: picoUsd(9n) }, 'provisional', 2n],
    ['ahead of its ledger', '2026-11-23T06:00:00Z', { spentPicoUsd: picoUsd(4n) }, 'provisional', 3n],
    ['equal but for what is assumed', '2026-11-23T06:00:00Z', { assumedPicoUsd: picoUsd(1n) }, 'provisional', 1n],
  ])('%s is told for what it is', (_, now, ledger, figures, gap) => {
    const facts = spendingWith([usageRow()]);
    const ledgers = facts.ledgers.map((one) => ({ ...one, ...ledger }));
    const report = buildWeeklyReport({ ...facts, ledgers, readAtEpochMs: Date.parse(now) }, WEEK);
    expect([report.figures, report.gapPicoUsd]).toEqual([figures, gap]);
  });

  it('projects the current month as alarms do, and says of one that is over what it came to', () => {
    // Seven pico-dollars in the last seven days and six hours, and seven days and eighteen hours to go.
    const facts = spendingWith([usageRow({ day: '2026-11-16' }), usageRow({ day: '2026-11-02', ...cost(100n) })]);
    const week = (readAtEpochMs: number) => buildWeeklyReport({ ...facts, readAtEpochMs }, WEEK);
    expect(week(facts.readAtEpochMs)).toMatchObject({
      teams: [{ budget: { spentPicoUsd: 107n, projectedPicoUsd: 114n } }],
      organization: { projectedPicoUsd: 114n },
    });
    expect(week(Date.parse('2026-12-01T00:00:00Z')).teams).toMatchObject([
      { budget: { spentPicoUsd: 107n, projectedPicoUsd: 107n } },
    ]);
  });

  it('is compared in both months that it touches, and says so where one was not read', () => {
    const rows = [usageRow({ day: '2026-11-30' }), usageRow({ day: '2026-12-01' })];
    const facts = spendingWith(rows, { readAtEpochMs: Date.parse('2026-12-07T06:00:00Z') });
    const report = buildWeeklyReport(facts, '2026-W49');
    expect([report.figures, report.teams[0]?.budget?.period]).toEqual(['final', '2026-12']);
    const half = { ...facts, ledgers: facts.ledgers.filter(({ period }) => period === '2026-12') };
    expect(buildWeeklyReport(half, '2026-W49').figures).toBe('unchecked');
    const behind = facts.ledgers.map((one) => (one.period === '2026-11' ? { ...one, spentPicoUsd: picoUsd(8n) } : one));
    expect(buildWeeklyReport({ ...facts, ledgers: behind }, '2026-W49')).toMatchObject({
      figures: 'provisional',
      gapPicoUsd: 1n,
    });
  });

  it('adds up by how much the ledgers of all teams differ, in either direction', () => {
    const facts = spendingWith([usageRow(), usageRow({ team: 'b' }), usageRow({ team: 'c' })]);
    const spent: Record<string, bigint> = { b: 10n, c: 5n };
    const ledgers = facts.ledgers.map((one) => ({
      ...one,
      spentPicoUsd: picoUsd(spent[one.team] ?? one.spentPicoUsd),
    }));
    const report = buildWeeklyReport({ ...facts, ledgers }, WEEK);
    expect([report.figures, report.gapPicoUsd]).toEqual(['provisional', 5n]);
  });

  it('has the budgets of the month that it ended with', () => {
    const facts = spendingWith([usageRow({ day: '2027-01-31' })], {
      readAtEpochMs: Date.parse('2027-02-01T06:00:00Z'),
    });
    expect(buildWeeklyReport(facts, '2027-W04').teams[0]?.budget?.period).toBe('2027-01');
  });

  it('is unchecked where the ledgers of a month were not read, also if nothing was counted in it', () => {
    const facts = { ...spendingWith([usageRow()]), periods: new Set(['2026-12']) };
    expect(buildWeeklyReport(facts, WEEK).figures).toBe('unchecked');
    expect(buildWeeklyReport({ ...facts, rows: [], ledgers: [] }, WEEK).figures).toBe('unchecked');
    // A month that has not begun has none to read.
    const now = Date.parse('2026-11-30T12:00:00Z');
    const current = spendingWith([usageRow({ day: '2026-11-30' })], { readAtEpochMs: now });
    expect(buildWeeklyReport(current, '2026-W49').figures).toBe('provisional');
  });

  it('is not final while a month that ended with it has a call in flight, which counts on its last day', () => {
    const facts = spendingWith([usageRow({ day: '2027-01-31' })], {
      readAtEpochMs: Date.parse('2027-02-01T00:00:30Z'),
    });
    const held = { ...facts, ledgers: facts.ledgers.map((one) => ({ ...one, reservedPicoUsd: picoUsd(1n) })) };
    expect(buildWeeklyReport(facts, '2027-W04').figures).toBe('final');
    expect(buildWeeklyReport(held, '2027-W04')).toMatchObject({ figures: 'provisional', gapPicoUsd: 0n });
    expect(describeFigures(buildWeeklyReport(held, '2027-W04')).sentence).toMatch(/in flight/);
    // What a month that goes on holds will count on a later day.
    const later = spendingWith([usageRow()]);
    const flying = { ...later, ledgers: later.ledgers.map((one) => ({ ...one, reservedPicoUsd: picoUsd(1n) })) };
    expect(buildWeeklyReport(flying, WEEK).figures).toBe('final');
  });

  it('of a team has that team alone', () => {
    const facts = spendingWith([usageRow(), usageRow({ team: 'b', ...cost(90n) })]);
    const report = buildWeeklyReport(spendingForTeam(facts, 'a'), WEEK);
    expect(report.teams.map(({ team }) => team)).toEqual(['a']);
    expect([report.total.counts.costPicoUsd, report.organization, report.figures]).toEqual([7n, undefined, 'final']);
  });
});
