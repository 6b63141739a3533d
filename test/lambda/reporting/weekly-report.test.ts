import { describe, expect, it } from 'vitest';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { describeFigures } from '../../../lambda/reporting/render/report-text.ts';
import { spendingForTeam } from '../../../lambda/reporting/spending-facts.ts';
import { buildWeeklyReport } from '../../../lambda/reporting/weekly-report.ts';
import { spendingWith, usageRow, WEEK } from '../../support/spending.ts';

const cost = (amount: bigint) => ({ costPicoUsd: picoUsd(amount) });

describe("a week's report", () => {
  it('has the days from Monday to Sunday, and compares them with the week before', () => {
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

  it('names the model and the key with the highest cost, and includes idle teams', () => {
    const rows = [
      usageRow({ model: 'small', keyId: 'k1', ...cost(5n) }),
      usageRow({ model: 'large', keyId: 'k2', ...cost(6n) }),
      usageRow({ model: 'small', keyId: 'k1', day: '2026-11-19', ...cost(5n) }),
      // A model with refusals only is never the top model.
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
    ['over', '2026-11-23T06:00:00Z', {}, 'final', 0n],
    ['a second from its end', '2026-11-22T23:59:59Z', {}, 'provisional', 0n],
    ['behind its ledger', '2026-11-23T06:00:00Z', { spentPicoUsd: picoUsd(9n) }, 'provisional', 2n],
    ['ahead of its ledger', '2026-11-23T06:00:00Z', { spentPicoUsd: picoUsd(4n) }, 'provisional', 3n],
    ['equal except for assumed cost', '2026-11-23T06:00:00Z', { assumedPicoUsd: picoUsd(1n) }, 'provisional', 1n],
  ])('has the status of figures for a week that is %s', (_, now, changes, figures, gap) => {
    const facts = spendingWith([usageRow()]);
    const ledgers = facts.ledgers.map((ledger) => ({ ...ledger, ...changes }));
    const report = buildWeeklyReport({ ...facts, ledgers, readAtEpochMs: Date.parse(now) }, WEEK);
    expect([report.figures, report.gapPicoUsd]).toEqual([figures, gap]);
  });

  it('projects the current month as alarms do, and shows the final spending of a past one', () => {
    // Seven pico-dollars in the last seven days and six hours, with seven days and eighteen hours left.
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

  it('is compared with the ledgers of both its months, and unchecked if one was not read', () => {
    const rows = [usageRow({ day: '2026-11-30' }), usageRow({ day: '2026-12-01' })];
    const facts = spendingWith(rows, { readAtEpochMs: Date.parse('2026-12-07T06:00:00Z') });
    const report = buildWeeklyReport(facts, '2026-W49');
    expect([report.figures, report.teams[0]?.budget?.period]).toEqual(['final', '2026-12']);
    const half = { ...facts, ledgers: facts.ledgers.filter(({ period }) => period === '2026-12') };
    expect(buildWeeklyReport(half, '2026-W49').figures).toBe('unchecked');
    const behind = facts.ledgers.map((ledger) =>
      ledger.period === '2026-11' ? { ...ledger, spentPicoUsd: picoUsd(8n) } : ledger,
    );
    expect(buildWeeklyReport({ ...facts, ledgers: behind }, '2026-W49')).toMatchObject({
      figures: 'provisional',
      gapPicoUsd: 1n,
    });
  });

  it("adds up the differences of all teams' ledgers, in either direction", () => {
    const facts = spendingWith([usageRow(), usageRow({ team: 'b' }), usageRow({ team: 'c' })]);
    const spent: Record<string, bigint> = { b: 10n, c: 5n };
    const ledgers = facts.ledgers.map((ledger) => ({
      ...ledger,
      spentPicoUsd: picoUsd(spent[ledger.team] ?? ledger.spentPicoUsd),
    }));
    const report = buildWeeklyReport({ ...facts, ledgers }, WEEK);
    expect([report.figures, report.gapPicoUsd]).toEqual(['provisional', 5n]);
  });

  it('has the budgets of the month in which it ended', () => {
    const facts = spendingWith([usageRow({ day: '2027-01-31' })], {
      readAtEpochMs: Date.parse('2027-02-01T06:00:00Z'),
    });
    expect(buildWeeklyReport(facts, '2027-W04').teams[0]?.budget?.period).toBe('2027-01');
  });

  it('is unchecked if the ledgers of a month were not read, even without usage in it', () => {
    const facts = { ...spendingWith([usageRow()]), periods: new Set(['2026-12']) };
    expect(buildWeeklyReport(facts, WEEK).figures).toBe('unchecked');
    expect(buildWeeklyReport({ ...facts, rows: [], ledgers: [] }, WEEK).figures).toBe('unchecked');
    // A future month has no ledgers to read.
    const now = Date.parse('2026-11-30T12:00:00Z');
    const current = spendingWith([usageRow({ day: '2026-11-30' })], { readAtEpochMs: now });
    expect(buildWeeklyReport(current, '2026-W49').figures).toBe('provisional');
  });

  it("is not final while its past month has a call in flight, which counts on the month's last day", () => {
    const facts = spendingWith([usageRow({ day: '2027-01-31' })], {
      readAtEpochMs: Date.parse('2027-02-01T00:00:30Z'),
    });
    const inFlight = {
      ...facts,
      ledgers: facts.ledgers.map((ledger) => ({ ...ledger, reservedPicoUsd: picoUsd(1n) })),
    };
    expect(buildWeeklyReport(facts, '2027-W04').figures).toBe('final');
    expect(buildWeeklyReport(inFlight, '2027-W04')).toMatchObject({ figures: 'provisional', gapPicoUsd: 0n });
    expect(describeFigures(buildWeeklyReport(inFlight, '2027-W04')).sentence).toMatch(/in flight/);
    // A call in flight of the current month counts on a later day.
    const current = spendingWith([usageRow()]);
    const currentInFlight = {
      ...current,
      ledgers: current.ledgers.map((ledger) => ({ ...ledger, reservedPicoUsd: picoUsd(1n) })),
    };
    expect(buildWeeklyReport(currentInFlight, WEEK).figures).toBe('final');
  });

  it("contains only its own team for a team's reader", () => {
    const facts = spendingWith([usageRow(), usageRow({ team: 'b', ...cost(90n) })]);
    const report = buildWeeklyReport(spendingForTeam(facts, 'a'), WEEK);
    expect(report.teams.map(({ team }) => team)).toEqual(['a']);
    expect([report.total.counts.costPicoUsd, report.organization, report.figures]).toEqual([7n, undefined, 'final']);
  });
});
