import { type MarkupElement, markup } from '../../lambda/kernel/markup.ts';
import {
  type Column,
  type ColumnLayout,
  chartText,
  columnBars,
  columnY,
} from '../../lambda/reporting/render/bar-chart.ts';
import { formatDay, formatWeekday, money } from './format.ts';
import { chooseGrid } from './grid-lines.ts';
import { describeChange, type Week } from './week.ts';

/** Heights are pixels, widths are percentages, so that text keeps its size. The scale is in the left margin. */
const PLOT = { top: 22, height: 168, left: 0, width: 100, widthUnit: '%', fill: 0.62 } as const;
const LABELS_HEIGHT = 40;

/** Renders the cost of each day as stacked bars with the day's total above. */
export function renderWeekChart(week: Week): MarkupElement {
  const { linesUsd, decimals } = chooseGrid(Math.max(...week.dayTotalsUsd.map(Number)));
  const layout: ColumnLayout = { ...PLOT, max: linesUsd.at(-1) ?? 1 };
  // One decimal more than the scale, and at least cents.
  const totalDecimals = decimals <= 2 ? 2 : decimals + 1;
  const columns = week.days.map((_, index) => dayColumn(week, index, totalDecimals));
  return markup(
    'svg',
    {
      class: 'chart',
      role: 'img',
      'aria-label': `Cost of each of the last seven days. ${describeWeekCosts(week)}`,
      height: PLOT.top + PLOT.height + LABELS_HEIGHT,
    },
    ...linesUsd.flatMap((usd) => gridLine(money(usd, decimals), columnY(usd, layout))),
    ...columnBars(columns, layout),
  );
}

function gridLine(label: string, y: number): readonly MarkupElement[] {
  return [
    markup('line', { class: 'grid', x1: 0, x2: '100%', y1: y, y2: y }),
    chartText({ text: label, attributes: { class: 'scale', 'text-anchor': 'end' } }, { x: -7, y: y + 4 }),
  ];
}

function dayColumn({ days, series, dayTotalsUsd }: Week, index: number, totalDecimals: number): Column {
  const day = days[index] ?? '';
  const isToday = index === days.length - 1;
  let from = 0;
  const segments = series.map(({ name, costUsd }, place) => {
    const usd = Number(costUsd[index]);
    const tooltip = `${name}, ${formatDay(day)}: ${money(usd)}`;
    const segment = { from, to: from + usd, attributes: { class: `series-${place}` }, tooltip };
    from = segment.to;
    return segment;
  });
  const total = dayTotalsUsd[index] ?? '0';
  return {
    segments,
    ...(Number(total) > 0 ? { above: { text: money(total, totalDecimals), attributes: { class: 'total' } } } : {}),
    below: [
      { text: isToday ? 'Today' : formatWeekday(day), attributes: { class: isToday ? 'day today' : 'day' } },
      { text: formatDay(day), attributes: { class: 'date' } },
    ],
  };
}

function describeWeekCosts(week: Week): string {
  const { days, dayTotalsUsd, totalUsd } = week;
  const amounts = dayTotalsUsd.map(Number);
  const highest = amounts.indexOf(Math.max(...amounts));
  const peak =
    Number(totalUsd) === 0
      ? ''
      : `Highest on ${formatDay(days[highest] ?? '')}, ${money(dayTotalsUsd[highest] ?? '0')}.`;
  return `${money(totalUsd)} in all, ${describeChange(week)}. ${peak} The table below has each day.`;
}
