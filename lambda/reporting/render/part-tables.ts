import { sumUsage, type UsageCounts } from '../../usage/usage.ts';
import type { WeeklyReport } from '../weekly-report.ts';
import { amount, requests, tokens } from './html-cells.ts';
import { type HtmlCell, type HtmlColumn, htmlTable } from './html-table.ts';
import type { Palette } from './palette.ts';
import { countShown, decimalsOf, percentOf } from './shown.ts';

/** The most keys that a report names; CSV and JSON have all. */
const MOST_KEYS = 10;

/** The most teams that are named beside a reason. */
const MOST_TEAMS = 3;

/** The week by model. */
export function modelTable(report: WeeklyReport, palette: Palette): string {
  return htmlTable(
    palette,
    'By model',
    partColumns('Model'),
    // What was refused before its model was known has none.
    report.models.map(({ model, counts }) => partCells(report, model === '' ? '(no model)' : model, counts)),
  );
}

/** The keys that cost the most. */
export function keyTable(report: WeeklyReport, palette: Palette): string {
  const keys = [...Map.groupBy(report.rows, ({ keyId }) => keyId)]
    .map(([, rows]) => ({ name: rows[0]?.keyName ?? '', counts: sumUsage(rows) }))
    .filter(({ counts }) => isSeen(counts))
    .sort((a, b) =>
      a.counts.costPicoUsd === b.counts.costPicoUsd ? 0 : a.counts.costPicoUsd > b.counts.costPicoUsd ? -1 : 1,
    );
  const rest = keys.length > MOST_KEYS ? `, the first ${MOST_KEYS} of ${countShown(keys.length)}` : '';
  const rows = keys.slice(0, MOST_KEYS).map(({ name, counts }) => partCells(report, name, counts));
  return htmlTable(palette, `By key${rest}`, partColumns('Key'), rows);
}

/** Requests that the gateway refused, by reason; undefined where it refused none. */
export function refusalTable(report: WeeklyReport, palette: Palette): string | undefined {
  const reasons = Object.entries(report.total.counts.refusals).sort(([, a], [, b]) => b - a);
  if (reasons.length === 0) return undefined;
  const teamsOf = (reason: string) =>
    report.teams
      .filter(({ counts }) => (counts.refusals[reason] ?? 0) > 0)
      .sort((a, b) => (b.counts.refusals[reason] ?? 0) - (a.counts.refusals[reason] ?? 0))
      .slice(0, MOST_TEAMS)
      .map(({ team, counts }) => `${team} ${countShown(counts.refusals[reason] ?? 0)}`);
  const columns = [{ heading: 'Reason' }, { heading: 'Requests', isFigure: true }, { heading: 'Most by' }];
  const rows = reasons.map(([reason, count]) => [
    { text: reason },
    { text: countShown(count) },
    { text: teamsOf(reason).join(', ') },
  ]);
  return htmlTable(palette, 'Refused by the gateway, at no cost', columns, rows);
}

/** The week by day. */
export function dayTable(report: WeeklyReport, palette: Palette): string {
  const decimals = decimalsOf([report.total.counts.costPicoUsd]);
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

function partColumns(part: string): readonly HtmlColumn[] {
  const figures = ['Cost', 'Share', 'Prompt tokens', 'Completion tokens', 'Requests'];
  return [{ heading: part }, ...figures.map((heading) => ({ heading, isFigure: true }))];
}

function partCells(report: WeeklyReport, name: string, counts: UsageCounts): readonly HtmlCell[] {
  const whole = report.total.counts.costPicoUsd;
  return [
    { text: name },
    amount(counts.costPicoUsd, decimalsOf([whole])),
    { text: `${percentOf(counts.costPicoUsd, whole)} %` },
    {
      text: countShown(counts.promptTokens),
      ...(counts.cachedTokens === 0 ? {} : { below: `${countShown(counts.cachedTokens)} cached` }),
    },
    {
      text: countShown(counts.completionTokens),
      ...(counts.reasoningTokens === 0 ? {} : { below: `${countShown(counts.reasoningTokens)} reasoning` }),
    },
    requests(counts),
  ];
}

/** Whether there is more to tell of a part than refusals, which have a table of their own. */
function isSeen({ requests: served, costPicoUsd }: UsageCounts): boolean {
  return served !== 0 || costPicoUsd !== 0n;
}
