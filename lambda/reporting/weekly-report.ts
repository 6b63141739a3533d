import type { PicoUsd } from '../kernel/money.ts';
import { type Day, periodAt } from '../kernel/period.ts';
import type { TokenPrices } from '../pricing/token-prices.ts';
import { sumUsage, type UsageCounts, type UsageRow } from '../usage/usage.ts';
import { compareLexicographic, displayName } from '../usage/usage-report.ts';
import { addWeeks, daysOfWeek, type IsoWeek, weekEndsAtEpochMs } from './iso-week.ts';
import { type MonthBudget, projectBudget, projectOrganizationBudget } from './month-budget.ts';
import type { SpendingFacts } from './spending-facts.ts';
import { checkFigures, type FiguresStatus } from './week-figures.ts';

/** A usage row with its key's name. */
export type NamedUsageRow = UsageRow & { readonly keyName: string };

/** The model or key with the highest cost. */
export type TopContributor = { readonly id: string; readonly name: string; readonly costPicoUsd: PicoUsd };

/** A team's usage in a week. */
export type TeamWeek = {
  readonly team: string;
  readonly counts: UsageCounts;
  readonly previousCostPicoUsd: PicoUsd;
  readonly topModel: TopContributor | undefined;
  readonly topKey: TopContributor | undefined;
  /** Of the month in which the week ends, or the current month during the week; undefined without a ledger. */
  readonly budget: MonthBudget | undefined;
};

/** A week's usage and budgets: the input of every report format. */
export type WeeklyReport = {
  readonly environmentName: string;
  readonly week: IsoWeek;
  /** Monday and Sunday. */
  readonly from: Day;
  readonly to: Day;
  readonly generatedAtEpochMs: number;
  readonly isOver: boolean;
  readonly figures: FiguresStatus;
  /** Difference between the ledgers and usage; never negative. */
  readonly gapPicoUsd: PicoUsd;
  /** Highest cost first, like `models`. */
  readonly teams: readonly TeamWeek[];
  readonly days: readonly { readonly day: Day; readonly counts: UsageCounts }[];
  readonly models: readonly { readonly model: string; readonly counts: UsageCounts }[];
  readonly total: { readonly counts: UsageCounts; readonly previousCostPicoUsd: PicoUsd };
  /** All teams' month under the organisation's cap; undefined if the reader may not see the cap. */
  readonly organization: MonthBudget | undefined;
  /** By day, team, key and model. They add up to the total exactly. */
  readonly rows: readonly NamedUsageRow[];
  readonly prices: ReadonlyMap<string, TokenPrices>;
};

/** Builds a week's report. */
export function buildWeeklyReport(facts: SpendingFacts, week: IsoWeek): WeeklyReport {
  const { environmentName, names, prices, readAtEpochMs } = facts;
  const days = daysOfWeek(week);
  const rowsByTeam = Map.groupBy(facts.rows, ({ team }) => team);
  const rows = rowsWithin(facts.rows, days).sort(compareRows);
  const previousRows = rowsWithin(facts.rows, daysOfWeek(addWeeks(week, -1)));
  const isOver = weekEndsAtEpochMs(week) <= readAtEpochMs;
  const period = periodAt(isOver ? weekEndsAtEpochMs(week) - 1 : readAtEpochMs);
  const models = [...Map.groupBy(rows, ({ model }) => model)];
  return {
    environmentName,
    week,
    from: days[0] ?? '',
    to: days.at(-1) ?? '',
    generatedAtEpochMs: readAtEpochMs,
    isOver,
    ...checkFigures(facts, rowsByTeam, week),
    teams: buildTeams(facts, rows, previousRows, period).sort(compareByCost(({ team }) => team)),
    days: days.map((day) => ({ day, counts: sumUsage(rows.filter((row) => row.day === day)) })),
    models: models
      .map(([model, modelRows]) => ({ model, counts: sumUsage(modelRows) }))
      .sort(compareByCost(({ model }) => model)),
    total: { counts: sumUsage(rows), previousCostPicoUsd: sumUsage(previousRows).costPicoUsd },
    organization: projectOrganizationBudget(facts, period),
    rows: rows.map((row) => ({ ...row, keyName: displayName(row.keyId, names) })),
    prices,
  };
}

function buildTeams(
  facts: SpendingFacts,
  rows: readonly UsageRow[],
  previousRows: readonly UsageRow[],
  period: string,
): TeamWeek[] {
  const allRowsByTeam = Map.groupBy(facts.rows, ({ team }) => team);
  const rowsByTeam = Map.groupBy(rows, ({ team }) => team);
  const previousRowsByTeam = Map.groupBy(previousRows, ({ team }) => team);
  const ledgers = new Map(
    facts.ledgers.filter((ledger) => ledger.period === period).map((ledger) => [ledger.team, ledger]),
  );
  return facts.teams.map((team) => {
    const teamRows = rowsByTeam.get(team) ?? [];
    const ledger = ledgers.get(team);
    return {
      team,
      counts: sumUsage(teamRows),
      previousCostPicoUsd: sumUsage(previousRowsByTeam.get(team) ?? []).costPicoUsd,
      topModel: topContributor(teamRows, 'model', (id) => id),
      topKey: topContributor(teamRows, 'keyId', (id) => displayName(id, facts.names)),
      budget: ledger && projectBudget(ledger, allRowsByTeam.get(team) ?? [], facts.readAtEpochMs),
    };
  });
}

function rowsWithin(rows: readonly UsageRow[], days: readonly Day[]): UsageRow[] {
  const [from = '', to = ''] = [days[0], days.at(-1)];
  return rows.filter(({ day }) => day >= from && day <= to);
}

function compareRows(a: UsageRow, b: UsageRow): number {
  return compareLexicographic([a.day, a.team, a.keyId, a.model], [b.day, b.team, b.keyId, b.model]);
}

/** Finds the model or key with the highest cost; undefined without requests. */
function topContributor(
  rows: readonly UsageRow[],
  field: 'model' | 'keyId',
  nameFor: (id: string) => string,
): TopContributor | undefined {
  const parts = [...Map.groupBy(rows, (row) => row[field])].map(([id, group]) => ({ id, counts: sumUsage(group) }));
  const [top] = parts.filter(({ counts }) => counts.requests > 0).sort(compareByCost(({ id }) => id));
  return top && { id: top.id, name: nameFor(top.id), costPicoUsd: top.counts.costPicoUsd };
}

/** Orders by cost, highest first, and by name where costs are equal. */
export function compareByCost<T extends { readonly counts: UsageCounts }>(nameFor: (part: T) => string) {
  return (a: T, b: T): number => {
    const [costA, costB] = [a.counts.costPicoUsd, b.counts.costPicoUsd];
    if (costA !== costB) return costA > costB ? -1 : 1;
    return nameFor(a) < nameFor(b) ? -1 : 1;
  };
}
