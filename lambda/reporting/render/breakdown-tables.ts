import { sumUsage, type UsageCounts } from '../../usage/usage.ts';
import type { WeeklyReport } from '../weekly-report.ts';
import { decimalPlaces, formatCount, wholePercent } from './format.ts';
import { amount, requests, tokens } from './html-cells.ts';
import { type HtmlCell, type HtmlColumn, htmlTable } from './html-table.ts';
import type { Palette } from './palette.ts';

/** The most keys that a report names; CSV and JSON have all. */
const MAX_KEYS = 10;

/** The most teams that are named beside a reason. */
const MAX_TEAMS = 3;

/** The week by model. */
export function modelTable(report: WeeklyReport, palette: Palette): string {
  return htmlTable(
    palette,
    'By model',
    breakdownColumns('Model'),
    // What was refused before its model was known has none.
    report.models.map(({ model, counts }) => breakdownCells(report, model === '' ? '(no model)' : model, counts)),
  );
}

/** The keys that cost the most. */
export function keyTable(report: WeeklyReport, palette: Palette): string {
  const keys = [...Map.groupBy(report.rows, ({ keyId }) => keyId)]
    .map(([, rows]) => ({ name: rows[0]?.keyName ?? '', counts: sumUsage(rows) }))
    .filter(({ counts }) => hasActivity(counts))
    .sort((a, b) =>
      a.counts.costPicoUsd === b.counts.costPicoUsd ? 0 : a.counts.costPicoUsd > b.counts.costPicoUsd ? -1 : 1,
    );
  const rest = keys.length > MAX_KEYS ? `, the first ${MAX_KEYS} of ${formatCount(keys.length)}` : '';
  const rows = keys.slice(0, MAX_KEYS).map(({ name, counts }) => breakdownCells(report, name, counts));
  return htmlTable(palette, `By key${rest}`, breakdownColumns('Key'), rows);
}

/** Requests that the gateway refused, by reason; undefined where it refused none. */
export function refusalTable(report: WeeklyReport, palette: Palette): string | undefined {
  const reasons = Object.entries(report.total.counts.refusals).sort(([, a], [, b]) => b - a);
  if (reasons.length === 0) return undefined;
  const topTeams = (reason: string) =>
    report.teams
      .filter(({ counts }) => (counts.refusals[reason] ?? 0) > 0)
      .sort((a, b) => (b.counts.refusals[reason] ?? 0) - (a.counts.refusals[reason] ?? 0))
      .slice(0, MAX_TEAMS)
      .map(({ team, counts }) => `${team} ${formatCount(counts.refusals[reason] ?? 0)}`);
  const columns = [{ heading: 'Reason' }, { heading: 'Requests', isFigure: true }, { heading: 'Most by' }];
  const rows = reasons.map(([reason, count]) => [
    { text: reason },
    { text: formatCount(count) },
    { text: topTeams(reason).join(', ') },
  ]);
  return htmlTable(palette, 'Refused by the gateway, at no cost', columns, rows);
}

/** The week by day. */
export function dayTable(report: WeeklyReport, palette: Palette): string {
  const decimals = decimalPlaces([report.total.counts.costPicoUsd]);
  const columns = [
    { heading: 'Day (UTC)' },
    { heading: 'Cost', isFigure: true },
    { heading: 'Tokens', isFigure: true },
    { heading: 'Requests', isFigure: true },
  ];
  const cells = (name: string, counts: UsageCounts): readonly HtmlCell[] => [
    { text: name },
    amount(counts.costPicoUsd, decimals),
    tokens(counts),
    requests(counts),
  ];
  const rows = report.days.map(({ day, counts }) => cells(day, counts));
  return htmlTable(palette, 'By day', columns, rows, cells('Week', report.total.counts));
}

function breakdownColumns(part: string): readonly HtmlColumn[] {
  const figures = ['Cost', 'Share', 'Prompt tokens', 'Completion tokens', 'Requests'];
  return [{ heading: part }, ...figures.map((heading) => ({ heading, isFigure: true }))];
}

function breakdownCells(report: WeeklyReport, name: string, counts: UsageCounts): readonly HtmlCell[] {
  const whole = report.total.counts.costPicoUsd;
  return [
    { text: name },
    amount(counts.costPicoUsd, decimalPlaces([whole])),
    { text: `${wholePercent(counts.costPicoUsd, whole)} %` },
    {
      text: formatCount(counts.promptTokens),
      ...(counts.cachedTokens === 0 ? {} : { below: `${formatCount(counts.cachedTokens)} cached` }),
    },
    {
      text: formatCount(counts.completionTokens),
      ...(counts.reasoningTokens === 0 ? {} : { below: `${formatCount(counts.reasoningTokens)} reasoning` }),
    },
    requests(counts),
  ];
}

/** Whether there is more to tell of a part than refusals, which have a table of their own. */
function hasActivity({ requests: served, costPicoUsd }: UsageCounts): boolean {
  return served !== 0 || costPicoUsd !== 0n;
}
