import type { MonthBudget, TeamWeek, WeeklyReport } from '../weekly-report.ts';
import { amount, requests, tokens } from './html-cells.ts';
import { type HtmlCell, type HtmlColumn, htmlTable } from './html-table.ts';
import type { Palette } from './palette.ts';
import { changeShown, decimalsOf, limitShown, usdShown } from './shown.ts';

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
  const decimals = decimalsOf([total.counts.costPicoUsd]);
  const months = [...teams.map(({ budget }) => budget), organization].filter((month) => month !== undefined);
  const monthDecimals = decimalsOf(months.map(({ projected }) => projected));
  const cells = (
    name: HtmlCell,
    week: Pick<TeamWeek, 'counts' | 'costBeforePicoUsd'>,
    model: string | undefined,
    month: MonthBudget | undefined,
  ): readonly HtmlCell[] => [
    name,
    {
      ...amount(week.counts.costPicoUsd, decimals),
      below: changeShown(week.counts.costPicoUsd, week.costBeforePicoUsd),
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
  const isOver = month.projected > month.limit;
  return {
    ...amount(month.spent, decimals),
    below: `of ${limitShown(month.limit)}, ${isOver ? '! ' : ''}projected ${usdShown(month.projected, decimals)}`,
    belowRole: isOver ? 'warn' : 'muted',
  };
}
