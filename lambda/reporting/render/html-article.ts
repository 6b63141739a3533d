import { type MarkupElement, markup } from '../../kernel/markup.ts';
import type { WeeklyReport } from '../weekly-report.ts';
import { dayTable, keyTable, modelTable, refusalTable } from './breakdown-tables.ts';
import {
  decimalPlaces,
  formatChange,
  formatCount,
  formatExactUsd,
  formatLimit,
  formatUsd,
  wholePercent,
} from './format.ts';
import { amountBar, describeBars, section } from './html-section.ts';
import { type Palette, styleAttributes } from './palette.ts';
import { renderAmountChart, renderBudgetGauges } from './report-charts.ts';
import { describeFigures, describeOrigin } from './report-text.ts';
import { teamTable } from './team-table.ts';

/** The maximum number of budgets in the chart; the table has all of them. */
const MAX_GAUGES = 20;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const TILE_CSS =
  'display:inline-block;vertical-align:top;box-sizing:border-box;min-width:150px;margin:0 8px 8px 0;padding:10px 12px;border-radius:6px';

/** Renders one week: a summary, charts, tables and notes. */
export function renderArticle(report: WeeklyReport, palette: Palette): MarkupElement {
  const refusals = refusalTable(report, palette);
  return markup(
    'article',
    { 'aria-labelledby': report.week },
    header(report, palette),
    tiles(report, palette),
    dayChart(report, palette),
    section(palette, '', teamTable(report, palette, 'By team')),
    ...budgetChart(report, palette),
    section(palette, '', modelTable(report, palette)),
    section(palette, '', keyTable(report, palette)),
    section(palette, '', dayTable(report, palette)),
    ...(refusals === undefined ? [] : [section(palette, '', refusals)]),
    footer(report, palette),
  );
}

function header(report: WeeklyReport, palette: Palette): MarkupElement {
  const { week, from, to, figures } = report;
  const { word, sentence } = describeFigures(report);
  const origin = `${from} to ${to} (UTC), ${describeOrigin(report)}`;
  const badge = styleAttributes(palette, [figures === 'final' ? 'good' : 'warn'], 'font-weight:600');
  return markup(
    'header',
    { style: 'margin:0 0 20px' },
    markup('h1', { id: week, style: 'margin:0;font-size:25px;line-height:1.25' }, `Groq spending, week ${week}`),
    markup('p', styleAttributes(palette, ['muted'], 'margin:4px 0 0'), origin),
    markup('p', { style: 'margin:4px 0 0' }, markup('span', badge, `${word}.`), ` ${sentence}`),
  );
}

function tiles({ total, organization, teams }: WeeklyReport, palette: Palette): MarkupElement {
  const { counts, previousCostPicoUsd } = total;
  const activeTeams = teams.filter((team) => team.counts.requests > 0).length;
  const change = describeChange(formatChange(counts.costPicoUsd, previousCostPicoUsd));
  const month = (amount: typeof counts.costPicoUsd) => formatUsd(amount, decimalPlaces([amount]));
  return markup(
    'div',
    { style: 'margin:0 0 20px' },
    tile(palette, 'Cost', formatUsd(counts.costPicoUsd, decimalPlaces([counts.costPicoUsd])), change),
    tile(palette, 'Requests', formatCount(counts.requests), `by ${activeTeams} of ${teams.length} teams`),
    tile(
      palette,
      'Tokens',
      formatCount(counts.promptTokens + counts.completionTokens),
      `${formatCount(counts.promptTokens)} in, ${formatCount(counts.completionTokens)} out`,
    ),
    ...(organization === undefined
      ? []
      : [
          tile(
            palette,
            `Month ${organization.period}`,
            month(organization.spentPicoUsd),
            `of ${formatLimit(organization.limitPicoUsd)}, projected ${month(organization.projectedPicoUsd)}`,
          ),
        ]),
  );
}

function tile(palette: Palette, name: string, value: string, below: string): MarkupElement {
  const small = styleAttributes(palette, ['muted'], 'font-size:13px');
  const large = { style: 'font-size:22px;font-weight:600;font-variant-numeric:tabular-nums' };
  return markup(
    'div',
    styleAttributes(palette, ['panel'], TILE_CSS),
    markup('div', small, name),
    markup('div', large, value),
    markup('div', small, below),
  );
}

function describeChange(change: string): string {
  if (change === '–') return 'as in the week before';
  return change === 'new' ? 'nothing the week before' : `${change} on the week before`;
}

function dayChart({ week, days, total }: WeeklyReport, palette: Palette): MarkupElement {
  const decimals = decimalPlaces([total.counts.costPicoUsd]);
  const bars = days.map(({ day, counts }, index) =>
    amountBar(`${WEEKDAYS[index]} ${Number(day.slice(8))}`, counts.costPicoUsd, decimals),
  );
  const caption = { id: `${week}-days`, title: 'Cost by day', description: describeBars(bars) };
  return section(palette, 'Cost by day', renderAmountChart(caption, bars, palette));
}

function budgetChart({ week, teams }: WeeklyReport, palette: Palette): readonly MarkupElement[] {
  const gauges = teams
    .flatMap(({ team, budget }) =>
      budget === undefined || budget.limitPicoUsd === 0n ? [] : [{ label: team, ...budget }],
    )
    .slice(0, MAX_GAUGES);
  const month = gauges[0]?.period;
  if (month === undefined) return [];
  const shares = gauges.map(
    ({ label, spentPicoUsd, limitPicoUsd }) => `${label} ${wholePercent(spentPicoUsd, limitPicoUsd)} %`,
  );
  const description = `Spent of the limit: ${shares.join(', ')}.`;
  const caption = { id: `${week}-budgets`, title: `Budgets of ${month}`, description };
  const heading = `Budgets of ${month}: spent, projected, and the limit as a line`;
  return [section(palette, heading, renderBudgetGauges(caption, gauges, palette))];
}

function footer({ total }: WeeklyReport, palette: Palette): MarkupElement {
  const { assumedPicoUsd } = total.counts;
  const style = styleAttributes(palette, ['muted', 'line'], 'border-top:1px solid;padding:12px 0 40px;font-size:13px');
  return markup(
    'footer',
    style,
    'Amounts are rounded; hover over one to see it exactly. The CSV and JSON files of this week have exact amounts. ',
    assumedPicoUsd === 0n
      ? ''
      : `Of the cost, ${formatExactUsd(assumedPicoUsd)} is assumed: calls whose outcome never arrived are charged their maximum cost. `,
    'Change is relative to the week before. Projected spending extends the last seven days to the end of the month; calls beyond a budget are refused, not charged.',
  );
}
