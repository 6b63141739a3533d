import { renderTextTable } from '../../kernel/text-table.ts';
import { sumRefusals } from '../../usage/usage.ts';
import type { MonthBudget } from '../month-budget.ts';
import type { TeamWeek, WeeklyReport } from '../weekly-report.ts';
import {
  decimalPlaces,
  formatChange,
  formatCount,
  formatExactUsd,
  formatLimit,
  formatUsd,
  sanitizeForTerminal,
} from './format.ts';
import { describeFigures, describeOrigin, monthDecimals } from './report-text.ts';

const HEADER = ['team', 'cost', 'change', 'tokens', 'requests', 'top model', 'budget', 'this month', 'projected'];
const RIGHT_ALIGNED = [1, 2, 3, 4, 6, 7, 8];

/** Renders weeks as tables for a terminal or a plain-text mail. */
export function renderTextReports(reports: readonly WeeklyReport[]): string {
  return reports.map(renderWeek).join('\n\n');
}

function renderWeek(report: WeeklyReport): string {
  const { teams, total, organization } = report;
  const costDecimals = decimalPlaces([total.counts.costPicoUsd]);
  const decimals = monthDecimals(report);
  // Unmarked amounts are padded to align with the marked ones.
  const marks = hasOverspending(report) || isOverspending(organization) ? ['  ', ' !'] : ['', ''];
  const row = (
    week: Pick<TeamWeek, 'counts' | 'previousCostPicoUsd'>,
    name: string,
    model: string,
    month?: MonthBudget,
  ) => [
    sanitizeForTerminal(name),
    formatUsd(week.counts.costPicoUsd, costDecimals),
    formatChange(week.counts.costPicoUsd, week.previousCostPicoUsd),
    formatCount(week.counts.promptTokens + week.counts.completionTokens),
    formatCount(week.counts.requests),
    sanitizeForTerminal(model),
    month === undefined ? '–' : formatLimit(month.limitPicoUsd),
    month === undefined ? '–' : formatUsd(month.spentPicoUsd, decimals),
    `${month === undefined ? '–' : formatUsd(month.projectedPicoUsd, decimals)}${marks[isOverspending(month) ? 1 : 0]}`,
  ];
  const rows = teams.map((team) => row(team, team.team, team.topModel?.name ?? '–', team.budget));
  const totals = row(total, 'all teams', report.models[0]?.model ?? '–', organization);
  return [
    `Week ${report.week}, ${report.from} to ${report.to} (UTC), ${sanitizeForTerminal(describeOrigin(report))}`,
    '',
    renderTextTable(HEADER, [...rows, totals], RIGHT_ALIGNED),
    '',
    ...renderNotes(report),
  ].join('\n');
}

function renderNotes(report: WeeklyReport): readonly string[] {
  const { word, sentence } = describeFigures(report);
  const { costPicoUsd, assumedPicoUsd, refusals } = report.total.counts;
  const refused = sumRefusals(report.total.counts);
  const reasons = Object.entries(refusals)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${sanitizeForTerminal(reason)} ${formatCount(count)}`)
    .join(', ');
  return [
    `${word}. ${sentence} Exactly: ${formatExactUsd(costPicoUsd)}.`,
    ...(assumedPicoUsd === 0n
      ? []
      : [
          `Of this, ${formatExactUsd(assumedPicoUsd)} is assumed: calls whose outcome never arrived are charged their maximum cost.`,
        ]),
    ...(refused === 0 ? [] : [`The gateway refused ${formatCount(refused)} more requests, at no cost: ${reasons}.`]),
    ...(hasOverspending(report)
      ? ['! exceeds its budget if spending continues as in the last seven days; calls beyond the budget are refused.']
      : []),
  ];
}

function hasOverspending({ teams }: WeeklyReport): boolean {
  return teams.some(({ budget }) => isOverspending(budget));
}

function isOverspending(month: MonthBudget | undefined): boolean {
  return month !== undefined && month.projectedPicoUsd > month.limitPicoUsd;
}
