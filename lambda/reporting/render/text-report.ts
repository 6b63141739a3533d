import { sumRefusals } from '../../usage/usage.ts';
import type { MonthBudget, TeamWeek, WeeklyReport } from '../weekly-report.ts';
import {
  decimalPlaces,
  formatChange,
  formatCount,
  formatExactUsd,
  formatLimit,
  formatUsd,
  sanitizeForTerminal,
} from './format.ts';
import { describeFigures, describeOrigin } from './report-text.ts';
import { renderTable } from './text-table.ts';

const HEADER = ['team', 'cost', 'change', 'tokens', 'requests', 'top model', 'budget', 'this month', 'projected'];
const FLUSH_RIGHT = [1, 2, 3, 4, 6, 7, 8];

/** Weeks as tables for a terminal or a mail without HTML, one after another. */
export function renderTextReports(reports: readonly WeeklyReport[]): string {
  return reports.map(renderWeek).join('\n\n');
}

function renderWeek(report: WeeklyReport): string {
  const { teams, total, organization } = report;
  const costDecimals = decimalPlaces([total.counts.costPicoUsd]);
  const months = [...teams.map(({ budget }) => budget), organization].filter((month) => month !== undefined);
  const monthDecimals = decimalPlaces(months.map(({ projectedPicoUsd }) => projectedPicoUsd));
  // Figures stay one below another, marked or not.
  const marks = months.some(({ projectedPicoUsd, limitPicoUsd }) => projectedPicoUsd > limitPicoUsd)
    ? ['  ', ' !']
    : ['', ''];
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
    month === undefined ? '–' : formatUsd(month.spentPicoUsd, monthDecimals),
    month === undefined
      ? `–${marks[0]}`
      : `${formatUsd(month.projectedPicoUsd, monthDecimals)}${marks[month.projectedPicoUsd > month.limitPicoUsd ? 1 : 0]}`,
  ];
  const rows = teams.map((team) => row(team, team.team, team.topModel?.name ?? '–', team.budget));
  const all = row(total, 'all teams', report.models[0]?.model ?? '–', organization);
  return [
    `Week ${report.week}, ${report.from} to ${report.to} (UTC), ${sanitizeForTerminal(describeOrigin(report))}`,
    '',
    renderTable(HEADER, [...rows, all], FLUSH_RIGHT),
    '',
    renderNotes(report).join('\n'),
  ].join('\n');
}

function renderNotes(report: WeeklyReport): readonly string[] {
  const { word, sentence } = describeFigures(report);
  const { costPicoUsd, assumedPicoUsd } = report.total.counts;
  const refused = sumRefusals(report.total.counts);
  const reasons = Object.entries(report.total.counts.refusals)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${sanitizeForTerminal(reason)} ${formatCount(count)}`)
    .join(', ');
  const isOver = report.teams.some(
    ({ budget }) => budget !== undefined && budget.projectedPicoUsd > budget.limitPicoUsd,
  );
  return [
    `${word}. ${sentence} Exactly: ${formatExactUsd(costPicoUsd)}.`,
    ...(assumedPicoUsd === 0n
      ? []
      : [
          `Of it, ${formatExactUsd(assumedPicoUsd)} is assumed: calls whose outcome never came, at the most they can have cost.`,
        ]),
    ...(refused === 0 ? [] : [`The gateway refused ${formatCount(refused)} more requests, at no cost: ${reasons}.`]),
    ...(isOver
      ? ['! goes over the budget if the month goes on as in the last seven days; what is over is refused.']
      : []),
  ];
}
