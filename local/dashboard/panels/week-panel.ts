import { weekChart } from '../chart.ts';
import { byId, draw, el, setText } from '../dom.ts';
import { columnDecimals, count, dayText, money, weekday } from '../format.ts';
import { changeText, type Week } from '../week.ts';
import { drawTable } from './data-table.ts';

/** Shows seven days: a chart, who spent it, and each day as a table. */
export function showWeek(week: Week, group: 'team' | 'model'): void {
  const { series, days, totalUsd, dayTotalsUsd } = week;
  setText(byId('week-note'), `${money(totalUsd)}, ${changeText(week)}`);
  const isEmpty = series.length === 0;
  draw(byId('week-chart'), week, () => [
    isEmpty ? el('p', { class: 'empty' }, 'No calls in these seven days.') : weekChart(week),
  ]);
  byId('week-days').hidden = isEmpty;
  byId('week-series').hidden = isEmpty;
  if (isEmpty) return;
  const title = group === 'team' ? 'Team' : 'Model';
  const decimals = columnDecimals([totalUsd]);
  drawTable(byId('week-series'), {
    caption: `By ${group}, highest cost first`,
    columns: [title, 'Cost', 'Requests', 'Tokens'].map((text, index) => ({ title: text, isNumber: index > 0 })),
    rows: series.map((one) => [one.name, money(one.totalUsd, decimals), count(one.requests), count(one.tokens)]),
    foot: [
      'All',
      money(totalUsd, decimals),
      count(series.reduce((sum, { requests }) => sum + requests, 0)),
      count(series.reduce((sum, { tokens }) => sum + tokens, 0)),
    ],
    marks: series.map((_, index) => `series-${index}`),
  });
  const dayDecimals = columnDecimals(dayTotalsUsd);
  drawTable(byId('week-table'), {
    caption: 'Cost of each day, in UTC',
    columns: [{ title: 'Day' }, ...series.map(({ name }) => ({ title: name, isNumber: true })), SUM],
    rows: days.map((day, index) => [
      `${weekday(day)} ${dayText(day)}`,
      ...series.map(({ costUsd }) => money(costUsd[index] ?? '0', dayDecimals)),
      money(dayTotalsUsd[index] ?? '0', dayDecimals),
    ]),
  });
}

const SUM = { title: 'All', isNumber: true };
