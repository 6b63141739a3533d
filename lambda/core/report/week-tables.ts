import type { PicoUsd } from '../money.ts';
import { addUsage, NO_USAGE, type UsageCounts } from '../usage.ts';
import type { MonthBudget, TeamWeek, WeeklyReport } from '../weekly-report.ts';
import { type HtmlCell, type HtmlColumn, htmlTable } from './html-table.ts';
import type { Palette } from './palette.ts';
import { changeShown, countShown, decimalsOf, limitShown, percentOf, usdExact, usdShown } from './shown.ts';

/** The most keys that a report names; CSV and JSON have all. */
const MOST_KEYS = 10;

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
    { text: countShown(week.counts.requests) },
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

/** The week by model. */
export function modelTable(report: WeeklyReport, palette: Palette): string {
  const columns = [
    { heading: 'Model' },
    { heading: 'Cost', isFigure: true },
    { heading: 'Share', isFigure: true },
    { heading: 'Prompt tokens', isFigure: true },
    { heading: 'Completion tokens', isFigure: true },
    { heading: 'Requests', isFigure: true },
  ];
  return htmlTable(
    palette,
    'By model',
    columns,
    report.models.map(({ model, counts }) => partCells(report, model, counts)),
  );
}

/** The keys that cost the most. */
export function keyTable(report: WeeklyReport, palette: Palette): string {
  const keys = [...Map.groupBy(report.rows, ({ keyId }) => keyId)]
    .map(([, rows]) => ({ name: rows[0]?.keyName ?? '', counts: rows.reduce<UsageCounts>(addUsage, NO_USAGE) }))
    .sort((a, b) =>
      a.counts.costPicoUsd === b.counts.costPicoUsd ? 0 : a.counts.costPicoUsd > b.counts.costPicoUsd ? -1 : 1,
    );
  const columns = [
    { heading: 'Key' },
    { heading: 'Cost', isFigure: true },
    { heading: 'Share', isFigure: true },
    { heading: 'Prompt tokens', isFigure: true },
    { heading: 'Completion tokens', isFigure: true },
    { heading: 'Requests', isFigure: true },
  ];
  const rest = keys.length > MOST_KEYS ? `, the first ${MOST_KEYS} of ${countShown(keys.length)}` : '';
  const rows = keys.slice(0, MOST_KEYS).map(({ name, counts }) => partCells(report, name, counts));
  return htmlTable(palette, `By key${rest}`, columns, rows);
}

/** The week by day. */
export function dayTable(report: WeeklyReport, palette: Palette): string {
  const decimals = decimalsOf([report.total.counts.costPicoUsd]);
  const columns = [
    { heading: 'Day (UTC)' },
    { heading: 'Cost', isFigure: true },
    { heading: 'Tokens', isFigure: true },
    { heading: 'Requests', isFigure: true },
  ];
  const cells = (name: string, counts: UsageCounts): readonly HtmlCell[] => [
    { text: name },
    amount(counts.costPicoUsd, decimals),
    tokens(counts),
    { text: countShown(counts.requests) },
  ];
  const rows = report.days.map(({ day, counts }) => cells(day, counts));
  return htmlTable(palette, 'By day', columns, rows, cells('Week', report.total.counts));
}

function partCells(report: WeeklyReport, name: string, counts: UsageCounts): readonly HtmlCell[] {
  const whole = report.total.counts.costPicoUsd;
  return [
    { text: name },
    amount(counts.costPicoUsd, decimalsOf([whole])),
    { text: `${percentOf(counts.costPicoUsd, whole)} %` },
    {
      text: countShown(counts.promptTokens),
      ...(counts.cachedTokens === 0 ? {} : { below: `${countShown(counts.cachedTokens)} cached` }),
    },
    { text: countShown(counts.completionTokens) },
    { text: countShown(counts.requests) },
  ];
}

function amount(costPicoUsd: PicoUsd, decimals: number): HtmlCell {
  return { text: usdShown(costPicoUsd, decimals), title: usdExact(costPicoUsd) };
}

function tokens({ promptTokens, completionTokens }: UsageCounts): HtmlCell {
  return { text: countShown(promptTokens + completionTokens) };
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
