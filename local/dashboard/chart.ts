import { svg } from './dom.ts';
import { formatDay, formatWeekday, money } from './format.ts';
import { chooseGrid } from './grid-lines.ts';
import { describeChange, type Week } from './week.ts';

/** In pixels; widths are shares of the room there is, so that text keeps its size. The scale stands in the left margin. */
const [TOP, PLOT, BOTTOM] = [22, 168, 40];
const GAP_PX = 1;

/** The cost of each day as stacked bars, with the sum above each. */
export function renderWeekChart(week: Week): SVGSVGElement {
  const { days, series, dayTotalsUsd } = week;
  const { linesUsd, decimals } = chooseGrid(Math.max(...dayTotalsUsd.map(Number)));
  const most = linesUsd.at(-1) ?? 1;
  // One more than on the scale, but no fewer than money has.
  const totalDecimals = decimals <= 2 ? 2 : decimals + 1;
  const toY = (usd: number) => TOP + PLOT * (1 - usd / most);
  const column = 100 / days.length;
  const drawing = svg('svg', {
    class: 'chart',
    role: 'img',
    'aria-label': `Cost of each of the last seven days. ${describeWeekCosts(week)}`,
    height: TOP + PLOT + BOTTOM,
  });
  for (const usd of linesUsd) {
    const y = toY(usd);
    drawing.append(svg('line', { class: 'grid', x1: 0, x2: '100%', y1: y, y2: y }));
    const scale = { class: 'scale', x: -7, y: y + 4, 'text-anchor': 'end' };
    drawing.append(svg('text', scale, money(usd, decimals)));
  }
  for (const [index, day] of days.entries()) {
    const middle = column * (index + 0.5);
    let base = 0;
    for (const [place, { name, costUsd }] of series.entries()) {
      const usd = Number(costUsd[index]);
      if (usd === 0) continue;
      const height = Math.max(1, (PLOT * usd) / most - GAP_PX);
      const x = `${middle - column * 0.31}%`;
      const bar = { class: `series-${place}`, x, width: `${column * 0.62}%`, y: toY(base + usd), height };
      drawing.append(svg('rect', bar, svg('title', {}, `${name}, ${formatDay(day)}: ${money(usd)}`)));
      base += usd;
    }
    const at = { x: `${middle}%`, 'text-anchor': 'middle' };
    const total = dayTotalsUsd[index] ?? '0';
    if (Number(total) > 0)
      drawing.append(svg('text', { ...at, class: 'total', y: toY(base) - 6 }, money(total, totalDecimals)));
    const isToday = index === days.length - 1;
    const label = { ...at, class: isToday ? 'day today' : 'day' };
    drawing.append(
      svg('text', { ...label, y: TOP + PLOT + 18 }, isToday ? 'Today' : formatWeekday(day)),
      svg('text', { ...label, class: 'date', y: TOP + PLOT + 34 }, formatDay(day)),
    );
  }
  return drawing;
}

function describeWeekCosts(week: Week): string {
  const { days, dayTotalsUsd, totalUsd } = week;
  const highest = dayTotalsUsd
    .map(Number)
    .reduce((best, usd, index, all) => (usd > (all[best] ?? 0) ? index : best), 0);
  const most = `Most on ${formatDay(days[highest] ?? '')}, ${money(dayTotalsUsd[highest] ?? '0')}.`;
  return `${money(totalUsd)} in all, ${describeChange(week)}. ${Number(totalUsd) === 0 ? '' : most} The table below has each day.`;
}
