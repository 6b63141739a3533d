import { markup, renderMarkup } from '../../lambda/kernel/markup.ts';
import {
  chartText,
  type Row,
  type RowLayout,
  rowBars,
  rowMarker,
  rowX,
  svgChart,
} from '../../lambda/reporting/render/bar-chart.ts';
import type { BudgetLine, ProveReport } from './report.ts';
import { MIN_USABLE_PERCENT } from './verdict.ts';

const WIDTH = 860;
const LAYOUT = { top: 80, rowHeight: 34, barHeight: 18, left: 330, width: WIDTH - 330 - 120 };
const BOTTOM = 38;
/** Minimum end of the scale, in percent: beyond the budget, so that overspending is visible. */
const MIN_SCALE_PERCENT = 110;

/** Colours by role, for a light and a dark page. The verdict is also written out, so that colour alone conveys nothing. */
const STYLE = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .minor { font-size: 12px; fill: #57606a; }
  .page { fill: #ffffff; }
  .track { fill: #eaeef2; }
  .billed { fill: #0969da; }
  .counted { fill: #8cc1f5; }
  .over { fill: #cf222e; }
  .budget { stroke: #1f2328; stroke-width: 1.5; }
  .least { stroke: #bf8700; stroke-width: 1.5; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .minor { fill: #9198a1; }
    .page { fill: #0d1117; }
    .track { fill: #21262d; }
    .billed { fill: #4493f8; }
    .counted { fill: #1f4f8a; }
    .over { fill: #f85149; }
    .budget { stroke: #e6edf3; }
    .least { stroke: #f2cc60; }
  }`;

/** Renders a bar per budget as SVG: what was billed, and what the ledger counts beyond the bill. */
export function renderChart({ lines, name, calls }: ProveReport): string {
  const max = Math.max(MIN_SCALE_PERCENT, ...lines.map((line) => line.usablePercent + line.reservePercent + 5));
  const layout: RowLayout = { ...LAYOUT, max };
  const end = LAYOUT.top + lines.length * LAYOUT.rowHeight;
  const height = end + BOTTOM;
  const minUsable = Number(MIN_USABLE_PERCENT);
  const text = (kind: string, content: string, x: number, y: number, anchor = 'start') =>
    chartText({ text: content, attributes: { class: kind } }, { x, y, 'text-anchor': anchor });
  const legend = (kind: string, x: number) => markup('rect', { class: kind, x, y: 42, width: 12, height: 12 });
  const caption = {
    id: 'chart',
    title: `Share of each budget that was billed: ${name}`,
    description: `${lines.map(describeLine).join('. ')}.`,
  };
  const chart = svgChart(
    caption,
    { viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height },
    markup('style', {}, STYLE),
    markup('rect', { class: 'page', width: WIDTH, height, rx: 6 }),
    text('title', `Billed of a budget worth ${calls} calls, with several times as many calls sent`, 20, 28),
    legend('billed', 20),
    text('minor', 'billed by the upstream', 38, 52),
    legend('counted', 190),
    text('minor', 'counted beyond, outcome unknown', 208, 52),
    text('minor', `${minUsable} %`, rowX(minUsable, layout) - 4, LAYOUT.top - 18, 'end'),
    text('minor', '100 %: the budget', rowX(100, layout) + 4, LAYOUT.top - 18),
    ...rowBars(
      lines.map((line) => chartRow(line, layout)),
      layout,
    ),
    rowMarker(minUsable, lines.length, layout, { class: 'least' }),
    rowMarker(100, lines.length, layout, { class: 'budget' }),
    ...[0, 25, 50, 75].map((percent) => text('minor', `${percent} %`, rowX(percent, layout), end + 14, 'middle')),
  );
  return `${renderMarkup(chart)}\n`;
}

function chartRow({ title, usablePercent, reservePercent, verdict }: BudgetLine, layout: RowLayout): Row {
  const segment = (kind: string, from: number, to: number) => ({ from, to, attributes: { class: kind } });
  const value = `${usablePercent.toFixed(2)} %${verdict === 'holds' ? '' : ` ${verdict}`}`;
  return {
    segments: [
      segment('track', 0, layout.max),
      segment('billed', 0, Math.min(usablePercent, 100)),
      segment('over', 100, usablePercent),
      segment('counted', usablePercent, usablePercent + reservePercent),
    ],
    texts: [
      { text: truncate(title), x: layout.left - 12, attributes: { 'text-anchor': 'end' } },
      { text: value, x: layout.left + layout.width + 8, attributes: {} },
    ],
  };
}

function describeLine({ title, usablePercent, reservePercent, verdict }: BudgetLine): string {
  const beyond = reservePercent === 0 ? '' : ` and ${reservePercent.toFixed(2)} % counted beyond`;
  return `${title}: ${usablePercent.toFixed(2)} % billed${beyond}, ${verdict}`;
}

/** Maximum characters of a name. */
const MAX_NAME_LENGTH = 44;

function truncate(text: string): string {
  return text.length <= MAX_NAME_LENGTH ? text : `${text.slice(0, MAX_NAME_LENGTH - 1)}…`;
}
