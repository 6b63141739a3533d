import { toUsdString } from '../../kernel/money.ts';
import { sumRefusals } from '../../usage/usage.ts';
import type { WeeklyReport } from '../weekly-report.ts';

/** A cell: text that people have chosen, a figure of ours, or nothing. */
export type CsvCell = { readonly text: string } | { readonly figure: string | number } | undefined;

/** What a spreadsheet takes for a formula (OWASP, "CSV Injection", read 2026-11-25). */
const FORMULA = /^[=+\-@\t\r\n]/;

/** Rows as RFC 4180 has them. Text that a spreadsheet would run as a formula is led by an apostrophe. */
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

/** Weeks as one row a day, team, key and model, in exact dollars: they add up to what the ledgers have spent. */
export function renderCsv(reports: readonly WeeklyReport[]): string {
  const rows = reports.flatMap(({ week, rows: ofWeek }) =>
    ofWeek.map((row): readonly CsvCell[] => [
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
