import { escapeMarkup, type MarkupElement, type MarkupNode, markup, renderMarkup } from '../../kernel/markup.ts';
import type { WeeklyReport } from '../weekly-report.ts';
import { decimalPlaces } from './format.ts';
import { renderArticle } from './html-article.ts';
import { amountBar, describeBars, section } from './html-section.ts';
import { DARK, FONT, LIGHT, overrideColors, styleAttributes } from './palette.ts';
import { renderAmountChart } from './report-charts.ts';

/** Dark if the reader's system is dark, light on paper. Print never breaks a table row or a chart across pages. */
const STYLES = [
  `@media (prefers-color-scheme:dark){${overrideColors(DARK)}}`,
  `@media print{${overrideColors(LIGHT)}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}`,
  'section,tr,svg{break-inside:avoid}article+article{break-before:page}.g-wide{overflow:visible !important}}',
  '@page{margin:14mm}',
].join('');
const BODY_CSS = `margin:0;padding:24px 16px;${FONT};font-size:15px;line-height:1.45`;

/**
 * Renders weeks as one HTML document for a browser, a mail or paper: inline styles, no scripts, no external resources.
 * Amounts are rounded; the exact amount is in each one's `title`.
 */
export function renderHtml(reports: readonly WeeklyReport[]): string {
  const [first, last] = [reports[0], reports.at(-1)];
  const span = first === last ? `week ${last?.week}` : `weeks ${first?.week} to ${last?.week}`;
  const title = `Groq spending, ${span}, ${last?.environmentName}`;
  const trend: readonly MarkupNode[] = reports.length > 1 ? [renderTrend(reports)] : [];
  const newestFirst = reports.toReversed().map((report) => renderArticle(report, LIGHT));
  const main = markup('main', { style: 'max-width:860px;margin:0 auto' }, ...trend, ...newestFirst);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">`,
    `<title>${escapeMarkup(title)}</title><style>${STYLES}</style></head>`,
    `${renderMarkup(markup('body', styleAttributes(LIGHT, ['page', 'text'], BODY_CSS), main))}</html>\n`,
  ].join('\n');
}

function renderTrend(reports: readonly WeeklyReport[]): MarkupElement {
  const decimals = decimalPlaces(reports.map(({ total }) => total.counts.costPicoUsd));
  const bars = reports.map(({ week, total }) => amountBar(week.slice(5), total.counts.costPicoUsd, decimals));
  const title = `Cost by week, ${reports[0]?.week} to ${reports.at(-1)?.week}`;
  const caption = { id: 'trend', title, description: describeBars(bars) };
  return section(LIGHT, title, renderAmountChart(caption, bars, LIGHT));
}
