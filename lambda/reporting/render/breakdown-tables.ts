import type { MarkupElement } from '../../kernel/markup.ts';
import { sumUsage, type UsageCounts } from '../../usage/usage.ts';
import { compareByCost, type WeeklyReport } from '../weekly-report.ts';
import { decimalPlaces, formatCount, wholePercent } from './format.ts';
import type { Palette } from './palette.ts';
import { amountCell, type ReportCell, renderReportTable, requestsCell, tokensCell } from './report-table.ts';
import type { TableColumn } from './table.ts';

/** The maximum number of keys in a report; CSV and JSON have all of them. */
const MAX_KEYS = 10;

/** The maximum number of teams listed for a refusal reason. */
const MAX_TEAMS = 3;

/** The week by model. */
export function modelTable(report: WeeklyReport, palette: Palette): MarkupElement {
  // A request that was refused before its model was known has no model.
  const rows = report.models.map(({ model, counts }) =>
    breakdownCells(report, model === '' ? '(no model)' : model, counts),
  );
  return renderReportTable({ caption: 'By model', columns: breakdownColumns('Model'), rows }, palette);
}

/** The keys with the highest cost. */
export function keyTable(report: WeeklyReport, palette: Palette): MarkupElement {
  const keys = [...Map.groupBy(report.rows, ({ keyId }) => keyId)]
    .map(([keyId, rows]) => ({ keyId, name: rows[0]?.keyName ?? '', counts: sumUsage(rows) }))
    .filter(({ counts }) => hasActivity(counts))
    .sort(compareByCost(({ keyId }) => keyId));
  const limited = keys.length > MAX_KEYS ? `, the first ${MAX_KEYS} of ${formatCount(keys.length)}` : '';
  const rows = keys.slice(0, MAX_KEYS).map(({ name, counts }) => breakdownCells(report, name, counts));
  return renderReportTable({ caption: `By key${limited}`, columns: breakdownColumns('Key'), rows }, palette);
}

/** Requests that the gateway refused, by reason; undefined if it refused none. */
export function refusalTable(report: WeeklyReport, palette: Palette): MarkupElement | undefined {
  const reasons = Object.entries(report.total.counts.refusals).sort(([, a], [, b]) => b - a);
  if (reasons.length === 0) return undefined;
  const topTeams = (reason: string) =>
    report.teams
      .filter(({ counts }) => (counts.refusals[reason] ?? 0) > 0)
      .sort((a, b) => (b.counts.refusals[reason] ?? 0) - (a.counts.refusals[reason] ?? 0))
      .slice(0, MAX_TEAMS)
      .map(({ team, counts }) => `${team} ${formatCount(counts.refusals[reason] ?? 0)}`);
  const columns = [{ heading: 'Reason' }, { heading: 'Requests', isFigure: true }, { heading: 'Top teams' }];
  const rows = reasons.map(([reason, count]) => [
    { text: reason },
    { text: formatCount(count) },
    { text: topTeams(reason).join(', ') },
  ]);
  return renderReportTable({ caption: 'Refused by the gateway, at no cost', columns, rows }, palette);
}

/** The week by day. */
export function dayTable(report: WeeklyReport, palette: Palette): MarkupElement {
  const decimals = decimalPlaces([report.total.counts.costPicoUsd]);
  const columns = [
    { heading: 'Day (UTC)' },
    { heading: 'Cost', isFigure: true },
    { heading: 'Tokens', isFigure: true },
    { heading: 'Requests', isFigure: true },
  ];
  const cells = (name: string, counts: UsageCounts): readonly ReportCell[] => [
    { text: name },
    amountCell(counts.costPicoUsd, decimals),
    tokensCell(counts),
    requestsCell(counts),
  ];
  const rows = report.days.map(({ day, counts }) => cells(day, counts));
  const foot = cells('Week', report.total.counts);
  return renderReportTable({ caption: 'By day', columns, rows, foot }, palette);
}

function breakdownColumns(part: string): readonly TableColumn[] {
  const figures = ['Cost', 'Share', 'Prompt tokens', 'Completion tokens', 'Requests'];
  return [{ heading: part }, ...figures.map((heading) => ({ heading, isFigure: true }))];
}

function breakdownCells(report: WeeklyReport, name: string, counts: UsageCounts): readonly ReportCell[] {
  const totalPicoUsd = report.total.counts.costPicoUsd;
  const { cachedTokens, reasoningTokens } = counts;
  return [
    { text: name },
    amountCell(counts.costPicoUsd, decimalPlaces([totalPicoUsd])),
    { text: `${wholePercent(counts.costPicoUsd, totalPicoUsd)} %` },
    {
      text: formatCount(counts.promptTokens),
      ...(cachedTokens === 0 ? {} : { below: `${formatCount(cachedTokens)} cached` }),
    },
    {
      text: formatCount(counts.completionTokens),
      ...(reasoningTokens === 0 ? {} : { below: `${formatCount(reasoningTokens)} reasoning` }),
    },
    requestsCell(counts),
  ];
}

/** True unless a key only has refusals, which have a table of their own. */
function hasActivity({ requests, costPicoUsd }: UsageCounts): boolean {
  return requests !== 0 || costPicoUsd !== 0n;
}
