import { toUsdString } from '../../kernel/money.ts';
import { sumRefusals } from '../../usage/usage.ts';
import type { WeeklyReport } from '../weekly-report.ts';

/** A cell: text chosen by a person, a figure of the gateway, or nothing. */
export type CsvCell = { readonly text: string } | { readonly figure: string | number } | undefined;

/** Beginnings of text that a spreadsheet evaluates as a formula (OWASP, "CSV Injection", read 2026-11-25). */
const FORMULA = /^[=+\-@\t\r\n]/;

/** Renders rows as CSV (RFC 4180). Text that a spreadsheet would evaluate as a formula gets a leading apostrophe. */
export function renderCsvRows(header: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return [header, ...rows.map((row) => row.map(cellText))].map((row) => `${row.map(quoteCell).join(',')}\r\n`).join('');
}

function cellText(cell: CsvCell): string {
  if (cell === undefined) return '';
  if ('figure' in cell) return String(cell.figure);
  return FORMULA.test(cell.text) ? `'${cell.text}` : cell.text;
}

function quoteCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const HEADER = [
  'week',
  'day',
  'team',
  'key_id',
  'key_name',
  'model',
  'requests',
  'prompt_tokens',
  'cached_tokens',
  'completion_tokens',
  'reasoning_tokens',
  'cost_usd',
  'assumed_usd',
  'voided_requests',
  'expired_requests',
  'refused_requests',
];

/** Renders weeks as CSV with one row per day, team, key and model. Amounts are exact and add up to the ledgers' spending. */
export function renderCsv(reports: readonly WeeklyReport[]): string {
  const rows = reports.flatMap(({ week, rows: weekRows }) =>
    weekRows.map((row): readonly CsvCell[] => [
      { figure: week },
      { figure: row.day },
      { text: row.team },
      { text: row.keyId },
      { text: row.keyName },
      { text: row.model },
      { figure: row.requests },
      { figure: row.promptTokens },
      { figure: row.cachedTokens },
      { figure: row.completionTokens },
      { figure: row.reasoningTokens },
      { figure: toUsdString(row.costPicoUsd) },
      { figure: toUsdString(row.assumedPicoUsd) },
      { figure: row.voided },
      { figure: row.expired },
      { figure: sumRefusals(row) },
    ]),
  );
  return renderCsvRows(HEADER, rows);
}
