import { refusedOf } from '../../usage/usage.ts';
import type { MonthBudget, TeamWeek, WeeklyReport } from '../weekly-report.ts';
import { renderTable } from './columns.ts';
import { changeShown, countShown, decimalsOf, limitShown, printable, usdExact, usdShown } from './shown.ts';
import { figuresInWords, originInWords } from './words.ts';

const HEADER = ['team', 'cost', 'change', 'tokens', 'requests', 'top model', 'budget', 'this month', 'projected'];
const FLUSH_RIGHT = [1, 2, 3, 4, 6, 7, 8];

/** Weeks as tables for a terminal or a mail without HTML, one after another. */
export function renderTables(reports: readonly WeeklyReport[]): string {
  return reports.map(renderWeek).join('\n\n');
}

function renderWeek(report: WeeklyReport): string {
  const { teams, total, organization } = report;
  const costDecimals = decimalsOf([total.counts.costPicoUsd]);
  const months = [...teams.map(({ budget }) => budget), organization].filter((month) => month !== undefined);
  const monthDecimals = decimalsOf(months.map(({ projected }) => projected));
  // Figures stay one below another, marked or not.
  const marks = months.some(({ projected, limit }) => projected > limit) ? ['  ', ' !'] : ['', ''];
  const row = (
    week: Pick<TeamWeek, 'counts' | 'costBeforePicoUsd'>,
    name: string,
    model: string,
    month?: MonthBudget,
  ) => [
    printable(name),
    usdShown(week.counts.costPicoUsd, costDecimals),
    changeShown(week.counts.costPicoUsd, week.costBeforePicoUsd),
    countShown(week.counts.promptTokens + week.counts.completionTokens),
    countShown(week.counts.requests),
    printable(model),
    month === undefined ? '–' : limitShown(month.limit),
    month === undefined ? '–' : usdShown(month.spent, monthDecimals),
    month === undefined
      ? `–${marks[0]}`
      : `${usdShown(month.projected, monthDecimals)}${marks[month.projected > month.limit ? 1 : 0]}`,
  ];
  const rows = teams.map((team) => row(team, team.team, team.topModel?.name ?? '–', team.budget));
  const all = row(total, 'all teams', report.models[0]?.model ?? '–', organization);
  return [
    `Week ${report.week}, ${report.from} to ${report.to} (UTC), ${printable(originInWords(report))}`,
    '',
    renderTable(HEADER, [...rows, all], FLUSH_RIGHT),
    '',
    notesOf(report).join('\n'),
  ].join('\n');
}

function notesOf(report: WeeklyReport): readonly string[] {
  const { word, sentence } = figuresInWords(report);
  const { costPicoUsd, assumedPicoUsd } = report.total.counts;
  const refused = refusedOf(report.total.counts);
  const reasons = Object.entries(report.total.counts.refusals)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${printable(reason)} ${countShown(count)}`)
    .join(', ');
  const isOver = report.teams.some(({ budget }) => budget !== undefined && budget.projected > budget.limit);
  return [
    `${word}. ${sentence} Exactly: ${usdExact(costPicoUsd)}.`,
    ...(assumedPicoUsd === 0n
      ? []
      : [
          `Of it, ${usdExact(assumedPicoUsd)} is assumed: calls whose outcome never came, at the most they can have cost.`,
        ]),
    ...(refused === 0 ? [] : [`The gateway refused ${countShown(refused)} more requests, at no cost: ${reasons}.`]),
    ...(isOver
      ? ['! goes over the budget if the month goes on as in the last seven days; what is over is refused.']
      : []),
  ];
}
