import { type MarkupElement, markup } from '../../kernel/markup.ts';
import { type PicoUsd, picoUsd } from '../../kernel/money.ts';
import {
  type ChartCaption,
  type ColumnLayout,
  columnBars,
  columnY,
  type RowLayout,
  rowBars,
  rowMarker,
  svgChart,
} from './bar-chart.ts';
import { wholePercent } from './format.ts';
import { FONT, type Palette, styleAttributes } from './palette.ts';

/** An amount with its label and its formatted text. */
export type AmountBar = { readonly label: string; readonly amount: PicoUsd; readonly formatted: string };

const WIDTH = 640;
/** With more bars than this, there is no room for amounts above them, and only some get a label. */
const MAX_LABELS = 14;
const COLUMNS = { top: 26, height: 150, left: 8, width: WIDTH - 16, widthUnit: '' } as const;
const COLUMN_CHART_HEIGHT = 198;
const MAX_BAR_WIDTH = 64;

/** Amounts as columns from left to right: the days of a week, or weeks. */
export function renderAmountChart(caption: ChartCaption, bars: readonly AmountBar[], palette: Palette): MarkupElement {
  const slot = COLUMNS.width / Math.max(1, bars.length);
  const max = bars.reduce((highest, { amount }) => (amount > highest ? amount : highest), picoUsd(0n));
  const layout: ColumnLayout = { ...COLUMNS, max: 1, fill: Math.min(0.7, MAX_BAR_WIDTH / slot) };
  const labelInterval = Math.ceil(bars.length / MAX_LABELS);
  const columns = bars.map(({ label, amount, formatted }, index) => ({
    segments: [{ from: 0, to: drawnShare(amount, max), attributes: { ...styleAttributes(palette, ['bar']), rx: 2 } }],
    ...(labelInterval === 1 && formatted !== ''
      ? { above: { text: formatted, attributes: textStyle(palette, 'text') } }
      : {}),
    below: index % labelInterval === 0 ? [{ text: label, attributes: textStyle(palette, 'muted') }] : [],
  }));
  const y = columnY(0, layout) + 0.5;
  const axis = markup('line', { x1: 0, y1: y, x2: WIDTH, y2: y, stroke: 'currentColor', 'stroke-opacity': 0.35 });
  return reportChart(caption, COLUMN_CHART_HEIGHT, [...columnBars(columns, layout), axis], palette);
}

/** A budget with its spending so far and the spending projected for the whole month. */
export type BudgetGauge = {
  readonly label: string;
  readonly spentPicoUsd: PicoUsd;
  readonly projectedPicoUsd: PicoUsd;
  readonly limitPicoUsd: PicoUsd;
};

/** The limit is at 80 % of the scale, so that overspending is visible beyond it. */
const GAUGES: RowLayout = { top: 10, rowHeight: 30, barHeight: 14, left: 172, width: 300, max: 1.25 };

/** Budgets as rows: spent in full colour, projected in a lighter one, and a line at the limit. */
export function renderBudgetGauges(
  caption: ChartCaption,
  gauges: readonly BudgetGauge[],
  palette: Palette,
): MarkupElement {
  const rows = gauges.map(({ label, spentPicoUsd, projectedPicoUsd, limitPicoUsd }) => {
    const isOver = projectedPicoUsd > limitPicoUsd;
    const percents = `${wholePercent(spentPicoUsd, limitPicoUsd)} %, projected ${wholePercent(projectedPicoUsd, limitPicoUsd)} %`;
    const value = {
      text: `${percents}${isOver ? ' !' : ''}`,
      attributes: textStyle(palette, isOver ? 'warn' : 'muted'),
    };
    return {
      segments: [
        { from: 0, to: GAUGES.max, attributes: { fill: 'currentColor', 'fill-opacity': 0.07 } },
        { from: 0, to: drawnShare(projectedPicoUsd, limitPicoUsd), attributes: styleAttributes(palette, ['soft']) },
        { from: 0, to: drawnShare(spentPicoUsd, limitPicoUsd), attributes: styleAttributes(palette, ['bar']) },
      ],
      texts: [
        { text: label, x: 0, attributes: textStyle(palette, 'text') },
        { ...value, x: WIDTH, attributes: { ...value.attributes, 'text-anchor': 'end' } },
      ],
    };
  });
  const limit = rowMarker(1, rows.length, GAUGES, { stroke: 'currentColor', 'stroke-width': 2 });
  const height = rows.length * GAUGES.rowHeight + 10;
  return reportChart(caption, height, [...rowBars(rows, GAUGES), limit], palette);
}

function reportChart(
  caption: ChartCaption,
  height: number,
  content: readonly MarkupElement[],
  palette: Palette,
): MarkupElement {
  const style = styleAttributes(palette, ['text'], 'display:block;height:auto');
  return svgChart(caption, { viewBox: `0 0 ${WIDTH} ${height}`, width: '100%', ...style }, ...content);
}

function textStyle(palette: Palette, role: 'text' | 'muted' | 'warn') {
  return { 'font-size': 12, ...styleAttributes(palette, [role], `fill:${palette[role]};${FONT}`) };
}

/** A share as a float that is never negative; for drawing only. */
function drawnShare(part: PicoUsd, whole: PicoUsd): number {
  return whole <= 0n || part <= 0n ? 0 : Number((part * 10_000n) / whole) / 10_000;
}
