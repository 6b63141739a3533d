import type { WeeklyReport } from '../weekly-report.ts';
import { dayTable, keyTable, modelTable, refusalTable } from './breakdown-tables.ts';
import { type Bar, renderBarChart, renderBudgetGauges } from './charts.ts';
import {
  decimalPlaces,
  formatChange,
  formatCount,
  formatExactUsd,
  formatLimit,
  formatUsd,
  wholePercent,
} from './format.ts';
import { escapeHtml } from './html-text.ts';
import { DARK, FONT, LIGHT, overrideColors, type Palette, styleAttributes } from './palette.ts';
import { describeFigures, describeOrigin } from './report-text.ts';
import { teamTable } from './team-table.ts';

/** The most budgets that are drawn; the table has all. */
const MAX_GAUGES = 20;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Dark where the reader's system is, light on paper, and no part of a table alone on a page. */
const STYLES = [
  `@media (prefers-color-scheme:dark){${overrideColors(DARK)}}`,
  `@media print{${overrideColors(LIGHT)}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}`,
  'section,tr,svg{break-inside:avoid}article+article{break-before:page}.g-wide{overflow:visible !important}}',
  '@page{margin:14mm}',
].join('');

/**
 * Weeks as one HTML document for a browser, a mail or paper: styles inline, no script, nothing fetched. Amounts are
 * rounded, and each has its exact figure as a title.
 */
export function renderHtml(reports: readonly WeeklyReport[]): string {
  const [first, last] = [reports[0], reports.at(-1)];
  const span = first === last ? `week ${last?.week}` : `weeks ${first?.week} to ${last?.week}`;
  const title = escapeHtml(`Groq spending, ${span}, ${last?.environmentName}`);
  const trend = reports.length > 1 ? renderTrend(reports, LIGHT) : '';
  // The newest first: it is what is read.
  const articles = reports.toReversed().map((report) => renderArticle(report, LIGHT));
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">`,
    `<title>${title}</title><style>${STYLES}</style></head>`,
    `<body${styleAttributes(LIGHT, ['page', 'text'], `margin:0;padding:24px 16px;${FONT};font-size:15px;line-height:1.45`)}>`,
    `<main style="max-width:860px;margin:0 auto">${trend}${articles.join('')}</main></body></html>\n`,
  ].join('\n');
}

function renderTrend(reports: readonly WeeklyReport[], palette: Palette): string {
  const decimals = decimalPlaces(reports.map(({ total }) => total.counts.costPicoUsd));
  const bars = reports.map(({ week, total }) => toBar(week.slice(5), total.counts.costPicoUsd, decimals));
  const title = `Cost by week, ${reports[0]?.week} to ${reports.at(-1)?.week}`;
  const caption = { id: 'trend', title, description: describeBars(bars) };
  return section(palette, title, renderBarChart(caption, bars, palette));
}

function renderArticle(report: WeeklyReport, palette: Palette): string {
  const { week, from, to, days, total, teams } = report;
  const decimals = decimalPlaces([total.counts.costPicoUsd]);
  const bars = days.map(({ day, counts }, index) =>
    toBar(`${WEEKDAYS[index]} ${Number(day.slice(8))}`, counts.costPicoUsd, decimals),
  );
  const budgets = teams.flatMap(({ team, budget }) =>
    budget === undefined || budget.limitPicoUsd === 0n ? [] : [{ label: team, ...budget }],
  );
  const month = budgets[0]?.period;
  const drawn = budgets.slice(0, MAX_GAUGES);
  const gaugeWords = drawn
    .map(({ label, spentPicoUsd, limitPicoUsd }) => `${label} ${wholePercent(spentPicoUsd, limitPicoUsd)} %`)
    .join(', ');
  const { word, sentence } = describeFigures(report);
  const badge = styleAttributes(palette, [report.figures === 'final' ? 'good' : 'warn'], 'font-weight:600');
  const assumed = total.counts.assumedPicoUsd;
  const refusals = refusalTable(report, palette);
  return [
    `<article aria-labelledby="${week}"><header style="margin:0 0 20px">`,
    `<h1 id="${week}" style="margin:0;font-size:25px;line-height:1.25">Groq spending, week ${week}</h1>`,
    `<p${styleAttributes(palette, ['muted'], 'margin:4px 0 0')}>${escapeHtml(`${from} to ${to} (UTC), ${describeOrigin(report)}`)}</p>`,
    `<p style="margin:4px 0 0"><span${badge}>${word}.</span> ${escapeHtml(sentence)}</p></header>`,
    tiles(report, palette),
    section(
      palette,
      'Cost by day',
      renderBarChart({ id: `${week}-days`, title: 'Cost by day', description: describeBars(bars) }, bars, palette),
    ),
    section(palette, '', teamTable(report, palette, 'By team')),
    drawn.length === 0
      ? ''
      : section(
          palette,
          `Budgets of ${month}: spent, projected, and the limit as a line`,
          renderBudgetGauges(
            { id: `${week}-budgets`, title: `Budgets of ${month}`, description: `Spent of the limit: ${gaugeWords}.` },
            drawn,
            palette,
          ),
        ),
    section(palette, '', modelTable(report, palette)),
    section(palette, '', keyTable(report, palette)),
    section(palette, '', dayTable(report, palette)),
    refusals === undefined ? '' : section(palette, '', refusals),
    `<footer${styleAttributes(palette, ['muted', 'line'], 'border-top:1px solid;padding:12px 0 40px;font-size:13px')}>Amounts are rounded; a pointer on one shows it exactly, and the CSV and JSON of this week have all of them. `,
    assumed === 0n
      ? ''
      : `Of the cost, ${formatExactUsd(assumed)} is assumed: calls whose outcome never came, at the most they can have cost. `,
    'Change is against the week before. Projected is what the month comes to if it goes on as in the last seven days; what is over a budget is refused, not spent.</footer></article>',
  ].join('\n');
}

function tiles({ total, organization, teams }: WeeklyReport, palette: Palette): string {
  const { counts, previousCostPicoUsd } = total;
  const active = teams.filter((team) => team.counts.requests > 0).length;
  const decimals = decimalPlaces([counts.costPicoUsd]);
  const all = [
    [
      'Cost',
      formatUsd(counts.costPicoUsd, decimals),
      describeChange(formatChange(counts.costPicoUsd, previousCostPicoUsd)),
    ],
    ['Requests', formatCount(counts.requests), `by ${active} of ${teams.length} teams`],
    [
      'Tokens',
      formatCount(counts.promptTokens + counts.completionTokens),
      `${formatCount(counts.promptTokens)} in, ${formatCount(counts.completionTokens)} out`,
    ],
    ...(organization === undefined
      ? []
      : [
          [
            `Month ${organization.period}`,
            `${formatUsd(organization.spentPicoUsd, decimalPlaces([organization.spentPicoUsd]))}`,
            `of ${formatLimit(organization.limitPicoUsd)}, projected ${formatUsd(organization.projectedPicoUsd, decimalPlaces([organization.projectedPicoUsd]))}`,
          ],
        ]),
  ];
  const tile = ([name = '', value = '', below = '']: readonly string[]) =>
    `<div${styleAttributes(palette, ['panel'], 'display:inline-block;vertical-align:top;box-sizing:border-box;min-width:150px;margin:0 8px 8px 0;padding:10px 12px;border-radius:6px')}><div${styleAttributes(palette, ['muted'], 'font-size:13px')}>${escapeHtml(name)}</div><div style="font-size:22px;font-weight:600;font-variant-numeric:tabular-nums">${escapeHtml(value)}</div><div${styleAttributes(palette, ['muted'], 'font-size:13px')}>${escapeHtml(below)}</div></div>`;
  return `<div style="margin:0 0 20px">${all.map(tile).join('')}</div>`;
}

function describeChange(change: string): string {
  if (change === '–') return 'as in the week before';
  return change === 'new' ? 'nothing the week before' : `${change} on the week before`;
}

function section(palette: Palette, heading: string, content: string): string {
  const title =
    heading === ''
      ? ''
      : `<h2${styleAttributes(palette, ['text'], 'margin:0 0 8px;font-size:17px')}>${escapeHtml(heading)}</h2>`;
  return `<section style="margin:0 0 28px">${title}<div class="g-wide" style="overflow-x:auto">${content}</div></section>`;
}

function toBar(label: string, amount: Bar['amount'], decimals: number): Bar {
  return { label, amount, formatted: amount === 0n ? '' : formatUsd(amount, decimals) };
}

function describeBars(bars: readonly Bar[]): string {
  return `${bars.map(({ label, formatted }) => `${label}: ${formatted === '' ? '$0' : formatted}`).join(', ')}.`;
}
