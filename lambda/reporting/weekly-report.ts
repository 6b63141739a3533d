import { calculateBurnRate, sumPastSpending } from '../alerts/burn-rate.ts';
import { addUsd, type PicoUsd } from '../kernel/money.ts';
import { type Day, type Period, periodAt } from '../kernel/period.ts';
import type { TokenPrices } from '../pricing/token-prices.ts';
import { sumUsage, type UsageCounts, type UsageRow } from '../usage/usage.ts';
import { compareLexicographic, displayName } from '../usage/usage-report.ts';
import { addWeeks, daysOfWeek, type IsoWeek, weekEndsAtEpochMs } from './iso-week.ts';
import type { MonthLedger, SpendingFacts } from './spending-facts.ts';
import { checkFigures, type FiguresStatus } from './week-figures.ts';

/** A usage row with its key's name. */
export type NamedUsageRow = UsageRow & { readonly keyName: string };

/** A month's money beside a week's. */
export type MonthBudget = Omit<MonthLedger, 'team'> & {
  /** What the month comes to if it goes on so: see burn-rate.ts. */
  readonly projectedPicoUsd: PicoUsd;
};

/** The part of a whole that cost the most. */
export type TopContributor = { readonly id: string; readonly name: string; readonly costPicoUsd: PicoUsd };

/** What a team's week came to. */
export type TeamWeek = {
  readonly team: string;
  readonly counts: UsageCounts;
  readonly previousCostPicoUsd: PicoUsd;
  readonly topModel: TopContributor | undefined;
  readonly topKey: TopContributor | undefined;
  /** Of the month that the week ends in, or that it has reached; undefined where that is not known. */
  readonly budget: MonthBudget | undefined;
};

/** What a week came to: one structure, from which every form of the report is made. */
export type WeeklyReport = {
  readonly environmentName: string;
  readonly week: IsoWeek;
  /** Monday and Sunday. */
  readonly from: Day;
  readonly to: Day;
  readonly generatedAtEpochMs: number;
  readonly isOver: boolean;
  readonly figures: FiguresStatus;
  /** By how much ledgers and usage differ, in either direction. */
  readonly gapPicoUsd: PicoUsd;
  /** By cost, the highest first; as are models. */
  readonly teams: readonly TeamWeek[];
  readonly days: readonly { readonly day: Day; readonly counts: UsageCounts }[];
  readonly models: readonly { readonly model: string; readonly counts: UsageCounts }[];
  readonly total: { readonly counts: UsageCounts; readonly previousCostPicoUsd: PicoUsd };
  /** All teams' month under the organisation's cap; undefined to one who may not know it. */
  readonly organization: MonthBudget | undefined;
  /** By day, team, key and model: they add up to the total exactly. */
  readonly rows: readonly NamedUsageRow[];
  readonly prices: ReadonlyMap<string, TokenPrices>;
};

/** Makes a week's report. */
export function buildWeeklyReport(facts: SpendingFacts, week: IsoWeek): WeeklyReport {
  const { readAtEpochMs: now, names } = facts;
  const days = daysOfWeek(week);
  const rowsByTeam = Map.groupBy(facts.rows, ({ team }) => team);
  const rows = rowsWithin(facts.rows, days).sort(compareRows);
  const byTeam = Map.groupBy(rows, ({ team }) => team);
  const before = rowsWithin(facts.rows, daysOfWeek(addWeeks(week, -1)));
  const beforeByTeam = Map.groupBy(before, ({ team }) => team);
  const isOver = weekEndsAtEpochMs(week) <= now;
  const period = periodAt(isOver ? weekEndsAtEpochMs(week) - 1 : now);
  const ledgers = new Map(facts.ledgers.filter((one) => one.period === period).map((one) => [one.team, one]));
  const teams = facts.teams.map((team) => {
    const own = byTeam.get(team) ?? [];
    return {
      team,
      counts: sumUsage(own),
      previousCostPicoUsd: sumUsage(beforeByTeam.get(team) ?? []).costPicoUsd,
      topModel: topContributor(own, 'model', (id) => id),
      topKey: topContributor(own, 'keyId', (id) => displayName(id, names)),
      budget: projectBudget(ledgers.get(team), rowsByTeam.get(team) ?? [], now),
    };
  });
  const models = [...Map.groupBy(rows, ({ model }) => model)].map(([model, of]) => ({ model, counts: sumUsage(of) }));
  return {
    environmentName: facts.environmentName,
    week,
    from: days[0] ?? '',
    to: days.at(-1) ?? '',
    generatedAtEpochMs: now,
    isOver,
    ...checkFigures(facts, rowsByTeam, week),
    teams: teams.sort(compareByCost(({ team }) => team)),
    days: days.map((day) => ({ day, counts: sumUsage(rows.filter((row) => row.day === day)) })),
    models: models.sort(compareByCost(({ model }) => model)),
    total: { counts: sumUsage(rows), previousCostPicoUsd: sumUsage(before).costPicoUsd },
    organization: organizationBudget(facts, period),
    rows: rows.map((row) => ({ ...row, keyName: displayName(row.keyId, names) })),
    prices: facts.prices,
  };
}

/** The months that a week's days are in. */
export function periodsOfWeek(week: IsoWeek): readonly Period[] {
  return [...new Set(daysOfWeek(week).map((day) => day.slice(0, 7)))];
}

function rowsWithin(rows: readonly UsageRow[], days: readonly Day[]): UsageRow[] {
  const [from = '', to = ''] = [days[0], days.at(-1)];
  return rows.filter(({ day }) => day >= from && day <= to);
}

function compareRows(a: UsageRow, b: UsageRow): number {
  return compareLexicographic([a.day, a.team, a.keyId, a.model], [b.day, b.team, b.keyId, b.model]);
}

/** The part with the highest cost; undefined where nothing was called. */
function topContributor(
  rows: readonly UsageRow[],
  part: 'model' | 'keyId',
  labelFor: (id: string) => string,
): TopContributor | undefined {
  const parts = [...Map.groupBy(rows, (row) => row[part])].map(([id, of]) => ({ id, counts: sumUsage(of) }));
  const [top] = parts.filter(({ counts }) => counts.requests > 0).sort(compareByCost(({ id }) => id));
  return top === undefined ? undefined : { id: top.id, name: labelFor(top.id), costPicoUsd: top.counts.costPicoUsd };
}

function compareByCost<T extends { readonly counts: UsageCounts }>(displayName: (part: T) => string) {
  return (a: T, b: T): number => {
    const [costA, costB] = [a.counts.costPicoUsd, b.counts.costPicoUsd];
    if (costA !== costB) return costA > costB ? -1 : 1;
    return displayName(a) < displayName(b) ? -1 : 1;
  };
}

function projectBudget(
  ledger: MonthLedger | undefined,
  rows: readonly UsageRow[],
  nowEpochMs: number,
): MonthBudget | undefined {
  if (ledger === undefined) return undefined;
  const { team: _, ...month } = ledger;
  // A month that is over comes to what was spent; the current one as alarms and the dashboard project it.
  if (month.period !== periodAt(nowEpochMs)) return { ...month, projectedPicoUsd: month.spentPicoUsd };
  const { projectedPicoUsd } = calculateBurnRate(sumPastSpending(rows, nowEpochMs), month, nowEpochMs);
  return { ...month, projectedPicoUsd };
}

function organizationBudget(
  { ledgers, caps, rows, readAtEpochMs }: SpendingFacts,
  period: Period,
): MonthBudget | undefined {
  const limitPicoUsd = caps.get(period);
  if (limitPicoUsd === undefined) return undefined;
  const own = ledgers.filter((ledger) => ledger.period === period);
  const add = (part: (ledger: MonthLedger) => PicoUsd) => addUsd(...own.map(part));
  const all = {
    team: '',
    period,
    limitPicoUsd,
    spentPicoUsd: add(({ spentPicoUsd }) => spentPicoUsd),
    reservedPicoUsd: add(({ reservedPicoUsd }) => reservedPicoUsd),
  };
  const parts = {
    assumedPicoUsd: add(({ assumedPicoUsd }) => assumedPicoUsd),
    overrunPicoUsd: add(({ overrunPicoUsd }) => overrunPicoUsd),
  };
  return projectBudget({ ...all, ...parts }, rows, readAtEpochMs);
}
