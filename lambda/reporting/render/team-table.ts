import type { MonthBudget, TeamWeek, WeeklyReport } from '../weekly-report.ts';
import { decimalPlaces, formatChange, formatLimit, formatUsd } from './format.ts';
import { amount, requests, tokens } from './html-cells.ts';
import { type HtmlCell, type HtmlColumn, htmlTable } from './html-table.ts';
import type { Palette } from './palette.ts';

const TEAM_COLUMNS: readonly HtmlColumn[] = [
  { heading: 'Team' },
  { heading: 'Cost', isFigure: true },
  { heading: 'Tokens', isFigure: true },
  { heading: 'Requests', isFigure: true },
  { heading: 'Top model' },
  { heading: 'This month, of budget', isFigure: true },
];

/** The week by team: cost and change, tokens, requests, top model, and the month's budget with its projection. */
export function teamTable(report: WeeklyReport, palette: Palette, caption: string): string {
  const { teams, total, organization, models } = report;
  const decimals = decimalPlaces([total.counts.costPicoUsd]);
  const months = [...teams.map(({ budget }) => budget), organization].filter((month) => month !== undefined);
  const monthDecimals = decimalPlaces(months.map(({ projectedPicoUsd }) => projectedPicoUsd));
  const cells = (
    name: HtmlCell,
    week: Pick<TeamWeek, 'counts' | 'previousCostPicoUsd'>,
    model: string | undefined,
    month: MonthBudget | undefined,
  ): readonly HtmlCell[] => [
    name,
    {
      ...amount(week.counts.costPicoUsd, decimals),
      below: formatChange(week.counts.costPicoUsd, week.previousCostPicoUsd),
    },
    tokens(week.counts),
    requests(week.counts),
    model === undefined ? { text: '–', role: 'muted' } : { text: model },
    monthCell(month, monthDecimals),
  ];
  const rows = teams.map((team) =>
    cells(
      { text: team.team, ...(team.topKey === undefined ? {} : { below: `most by ${team.topKey.name}` }) },
      team,
      team.topModel?.name,
      team.budget,
    ),
  );
  const sum = cells({ text: 'All teams' }, total, models[0]?.model, organization);
  return htmlTable(palette, caption, TEAM_COLUMNS, rows, sum);
}

function monthCell(month: MonthBudget | undefined, decimals: number): HtmlCell {
  if (month === undefined) return { text: '–', role: 'muted' };
  const isOver = month.projectedPicoUsd > month.limitPicoUsd;
  return {
    ...amount(month.spentPicoUsd, decimals),
    below: `of ${formatLimit(month.limitPicoUsd)}, ${isOver ? '! ' : ''}projected ${formatUsd(month.projectedPicoUsd, decimals)}`,
    belowRole: isOver ? 'warn' : 'muted',
  };
}
