import { type MarkupAttributes, type MarkupElement, type MarkupNode, markup } from '../../kernel/markup.ts';

/** Text equivalent of a chart for screen readers; `id` is unique in its document. */
export type ChartCaption = { readonly id: string; readonly title: string; readonly description: string };
/** A text in a chart and its attributes, such as class or style. */
export type ChartText = { readonly text: string; readonly attributes: MarkupAttributes };

/** One coloured part of a bar, between two values of the chart's scale. */
export type Segment = {
  readonly from: number;
  readonly to: number;
  readonly attributes: MarkupAttributes;
  readonly tooltip?: string;
};

/** Bars that grow upwards: where they stand in pixels, except that `left` and `width` may be percentages. */
export type ColumnLayout = {
  readonly top: number;
  readonly height: number;
  readonly left: number;
  readonly width: number;
  readonly widthUnit: '' | '%';
  /** Share of a column's slot that its bar fills, from 0 to 1. */
  readonly fill: number;
  /** The value at the top of the scale. */
  readonly max: number;
};
/** One upright bar, the text above it and the lines of text below it. */
export type Column = {
  readonly segments: readonly Segment[];
  readonly above?: ChartText;
  readonly below: readonly ChartText[];
};

/** Bars that grow to the right, one per row: where they stand, in pixels. */
export type RowLayout = {
  readonly top: number;
  readonly rowHeight: number;
  readonly barHeight: number;
  readonly left: number;
  readonly width: number;
  /** The value at the right end of the scale. */
  readonly max: number;
};
/** One lying bar with texts at fixed places on its line. */
export type Row = {
  readonly segments: readonly Segment[];
  readonly texts: readonly (ChartText & { readonly x: number })[];
};

/** Space between stacked segments and between a bar and its texts, in pixels. */
const SEGMENT_GAP = 1;
const TEXT_GAP = 7;
const LINE_HEIGHT = 16;

/** An SVG element of the given size, labelled by its caption. */
export function svgChart(
  { id, title, description }: ChartCaption,
  attributes: MarkupAttributes,
  ...content: readonly MarkupNode[]
): MarkupElement {
  const [titleId, descriptionId] = [`${id}-title`, `${id}-description`];
  return markup(
    'svg',
    {
      role: 'img',
      'aria-labelledby': `${titleId} ${descriptionId}`,
      xmlns: 'http://www.w3.org/2000/svg',
      ...attributes,
    },
    markup('title', { id: titleId }, title),
    markup('desc', { id: descriptionId }, description),
    ...content,
  );
}

/** Upright bars from left to right, each of stacked segments. */
export function columnBars(columns: readonly Column[], layout: ColumnLayout): readonly MarkupElement[] {
  const slot = layout.width / Math.max(1, columns.length);
  const across = (value: number) => `${round(layout.left + value)}${layout.widthUnit}`;
  return columns.flatMap(({ segments, above, below }, index) => {
    const centre = slot * (index + 0.5);
    const bars = segments.flatMap(({ from, to, attributes, tooltip }) => {
      if (to <= from) return [];
      const y = columnY(to, layout);
      const height = Math.max(1, columnY(from, layout) - y - (from > 0 ? SEGMENT_GAP : 0));
      const x = across(centre - (slot * layout.fill) / 2);
      const width = `${round(slot * layout.fill)}${layout.widthUnit}`;
      const place = { x, y: round(y), width, height: round(height) };
      return [
        markup('rect', { ...attributes, ...place }, ...(tooltip === undefined ? [] : [markup('title', {}, tooltip)])),
      ];
    });
    const end = columnY(segments.at(-1)?.to ?? 0, layout);
    const middle = { x: across(centre), 'text-anchor': 'middle' };
    return [
      ...bars,
      ...(above === undefined ? [] : [chartText(above, { ...middle, y: round(end - TEXT_GAP) })]),
      ...below.map((line, number) =>
        chartText(line, { ...middle, y: layout.top + layout.height + 18 + LINE_HEIGHT * number }),
      ),
    ];
  });
}

/** The vertical place of a value, in pixels. */
export function columnY(value: number, { top, height, max }: ColumnLayout): number {
  return top + height * (1 - (max === 0 ? 0 : value / max));
}

/** Lying bars, one below another; segments that are empty or beyond the scale are clipped. */
export function rowBars(rows: readonly Row[], layout: RowLayout): readonly MarkupElement[] {
  const { top, rowHeight, barHeight, max } = layout;
  return rows.flatMap(({ segments, texts }, index) => {
    const y = top + index * rowHeight;
    const bars = segments.flatMap(({ from, to, attributes }) => {
      const [start, end] = [rowX(from, layout), rowX(Math.min(to, max), layout)];
      return end <= start
        ? []
        : [markup('rect', { ...attributes, x: start, y, width: round(end - start), height: barHeight })];
    });
    // Half a letter below the bar's centre.
    return [...bars, ...texts.map(({ x, ...text }) => chartText(text, { x: round(x), y: y + barHeight / 2 + 5 }))];
  });
}

/** A vertical line through all rows at a value of their scale. */
export function rowMarker(value: number, rows: number, layout: RowLayout, attributes: MarkupAttributes): MarkupElement {
  const { top, rowHeight, barHeight } = layout;
  const x = rowX(value, layout);
  const bottom = top + Math.max(0, rows - 1) * rowHeight + barHeight;
  return markup('line', { ...attributes, x1: x, x2: x, y1: top - 4, y2: bottom + 4 });
}

/** The horizontal place of a value, in pixels. */
export function rowX(value: number, { left, width, max }: RowLayout): number {
  return round(left + (width * value) / max);
}

/** A text at a place. */
export function chartText({ text, attributes }: ChartText, place: MarkupAttributes): MarkupElement {
  return markup('text', { ...attributes, ...place }, text);
}

function round(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}
