import { type MarkupElement, markup } from '../../kernel/markup.ts';
import type { PicoUsd } from '../../kernel/money.ts';
import { sumRefusals, type UsageCounts } from '../../usage/usage.ts';
import { formatCount, formatExactUsd, formatUsd } from './format.ts';
import { type ColorRole, type Palette, styleAttributes } from './palette.ts';
import { buildTable, type CellPosition, type Table, type TableColumn } from './table.ts';

/** A cell of a report's table: its text, a smaller line below, and a tooltip. */
export type ReportCell = {
  readonly text: string;
  readonly role?: ColorRole;
  readonly below?: string;
  readonly belowRole?: ColorRole;
  readonly tooltip?: string;
};

const TABLE_CSS = 'border-collapse:collapse;width:100%;font-size:14px;line-height:1.35';
const CAPTION_CSS = 'text-align:left;font-size:17px;font-weight:600;padding:0 0 8px';
const HEADING_CSS = 'padding:6px 6px;vertical-align:bottom;border-bottom:2px solid;font-size:12px;font-weight:600';
const CELL_CSS = 'padding:7px 6px;vertical-align:top';
const BELOW_CSS = 'font-size:12px;font-weight:400;white-space:normal';

/** Renders a table with inline styles. */
export function renderReportTable(table: Table<ReportCell>, palette: Palette): MarkupElement {
  return buildTable(table, {
    table: styleAttributes(palette, ['text'], TABLE_CSS),
    caption: styleAttributes(palette, ['text'], CAPTION_CSS),
    heading: (column) => styleAttributes(palette, ['muted', 'line'], `${HEADING_CSS};${alignment(column)}`),
    cell: ({ text, role = 'text', below, belowRole = 'muted', tooltip }, position) => ({
      attributes: {
        ...(tooltip === undefined ? {} : { title: tooltip }),
        ...styleAttributes(palette, [role, 'line'], cellCss(position)),
      },
      children: [
        text,
        ...(below === undefined ? [] : [markup('div', styleAttributes(palette, [belowRole], BELOW_CSS), below)]),
      ],
    }),
  });
}

/** An amount, rounded, with the exact amount as its tooltip. */
export function amountCell(costPicoUsd: PicoUsd, decimals: number): ReportCell {
  return { text: formatUsd(costPicoUsd, decimals), tooltip: formatExactUsd(costPicoUsd) };
}

/** Prompt and completion tokens together. */
export function tokensCell({ promptTokens, completionTokens }: UsageCounts): ReportCell {
  return { text: formatCount(promptTokens + completionTokens) };
}

/** Served requests, and below them those that the gateway refused. */
export function requestsCell(counts: UsageCounts): ReportCell {
  const refused = sumRefusals(counts);
  return { text: formatCount(counts.requests), ...(refused === 0 ? {} : { below: `${formatCount(refused)} refused` }) };
}

function cellCss({ column, isRowHeading, row }: CellPosition): string {
  const isFoot = row === undefined;
  return [
    CELL_CSS,
    `border-bottom:${isFoot ? 2 : 1}px solid`,
    `font-weight:${isRowHeading || isFoot ? 600 : 400}`,
    alignment(column),
    column?.isFigure === true ? 'font-variant-numeric:tabular-nums;white-space:nowrap' : 'overflow-wrap:break-word',
  ].join(';');
}

function alignment(column: TableColumn | undefined): string {
  return column?.isFigure === true ? 'text-align:right' : 'text-align:left';
}
