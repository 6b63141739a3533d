import { renderWeekChart } from '../chart.ts';
import { el, elementById, renderIfChanged, setText, toDom } from '../dom.ts';
import { columnDecimals, formatCount, formatDay, formatWeekday, money } from '../format.ts';
import { describeChange, type Week } from '../week.ts';
import { drawTable } from './data-table.ts';

/** Shows seven days: a chart, a table by team or model, and a table by day. */
export function showWeek(week: Week, group: 'team' | 'model'): void {
  const { series, days, totalUsd, dayTotalsUsd } = week;
  setText(elementById('week-note'), `${money(totalUsd)}, ${describeChange(week)}`);
  const isEmpty = series.length === 0;
  renderIfChanged(elementById('week-chart'), week, () => [
    isEmpty ? el('p', { class: 'empty' }, 'No calls in these seven days.') : toDom(renderWeekChart(week)),
  ]);
  elementById('week-days').hidden = isEmpty;
  elementById('week-series').hidden = isEmpty;
  if (isEmpty) return;
  const title = group === 'team' ? 'Team' : 'Model';
  const decimals = columnDecimals([totalUsd]);
  drawTable(elementById('week-series'), {
    caption: `By ${group}, highest cost first`,
    columns: [title, 'Cost', 'Requests', 'Tokens'].map((text, index) => ({ heading: text, isFigure: index > 0 })),
    rows: series.map(({ name, totalUsd: seriesUsd, requests, tokens }) => [
      name,
      money(seriesUsd, decimals),
      formatCount(requests),
      formatCount(tokens),
    ]),
    foot: [
      'All',
      money(totalUsd, decimals),
      formatCount(series.reduce((sum, { requests }) => sum + requests, 0)),
      formatCount(series.reduce((sum, { tokens }) => sum + tokens, 0)),
    ],
    marks: series.map((_, index) => `series-${index}`),
  });
  const dayDecimals = columnDecimals(dayTotalsUsd);
  drawTable(elementById('week-table'), {
    caption: 'Cost of each day, in UTC',
    columns: [{ heading: 'Day' }, ...series.map(({ name }) => ({ heading: name, isFigure: true })), SUM],
    rows: days.map((day, index) => [
      `${formatWeekday(day)} ${formatDay(day)}`,
      ...series.map(({ costUsd }) => money(costUsd[index] ?? '0', dayDecimals)),
      money(dayTotalsUsd[index] ?? '0', dayDecimals),
    ]),
  });
}

const SUM = { heading: 'All', isFigure: true };
