import type { MarkupElement } from '../../kernel/markup.ts';
import type { MonthBudget } from '../month-budget.ts';
import type { TeamWeek, WeeklyReport } from '../weekly-report.ts';
import { decimalPlaces, formatChange, formatLimit, formatUsd } from './format.ts';
import type { Palette } from './palette.ts';
import { amountCell, type ReportCell, renderReportTable, requestsCell, tokensCell } from './report-table.ts';
import { monthDecimals } from './report-text.ts';
import type { TableColumn } from './table.ts';

const TEAM_COLUMNS: readonly TableColumn[] = [
  { heading: 'Team' },
  { heading: 'Cost', isFigure: true },
  { heading: 'Tokens', isFigure: true },
  { heading: 'Requests', isFigure: true },
  { heading: 'Top model' },
  { heading: 'This month, of budget', isFigure: true },
];
const UNKNOWN: ReportCell = { text: '–', role: 'muted' };

/** The week by team: cost and change, tokens, requests, top model, and the month's spending against its budget. */
export function teamTable(report: WeeklyReport, palette: Palette, caption: string): MarkupElement {
  const { teams, total, organization, models } = report;
  const weekDecimals = decimalPlaces([total.counts.costPicoUsd]);
  const decimals = monthDecimals(report);
  const cells = (
    name: ReportCell,
    week: Pick<TeamWeek, 'counts' | 'previousCostPicoUsd'>,
    model: string | undefined,
    month: MonthBudget | undefined,
  ): readonly ReportCell[] => [
    name,
    {
      ...amountCell(week.counts.costPicoUsd, weekDecimals),
      below: formatChange(week.counts.costPicoUsd, week.previousCostPicoUsd),
    },
    tokensCell(week.counts),
    requestsCell(week.counts),
    model === undefined ? UNKNOWN : { text: model },
    month === undefined ? UNKNOWN : monthCell(month, decimals),
  ];
  const rows = teams.map((team) =>
    cells(
      { text: team.team, ...(team.topKey === undefined ? {} : { below: `top key ${team.topKey.name}` }) },
      team,
      team.topModel?.name,
      team.budget,
    ),
  );
  const foot = cells({ text: 'All teams' }, total, models[0]?.model, organization);
  return renderReportTable({ caption, columns: TEAM_COLUMNS, rows, foot }, palette);
}

function monthCell(month: MonthBudget, decimals: number): ReportCell {
  const isOver = month.projectedPicoUsd > month.limitPicoUsd;
  return {
    ...amountCell(month.spentPicoUsd, decimals),
    below: `of ${formatLimit(month.limitPicoUsd)}, ${isOver ? '! ' : ''}projected ${formatUsd(month.projectedPicoUsd, decimals)}`,
    belowRole: isOver ? 'warn' : 'muted',
  };
}
