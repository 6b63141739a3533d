import type { WeeklyReport } from '../weekly-report.ts';
import { renderCsv } from './csv.ts';
import { renderFocus } from './focus.ts';
import { renderHtml } from './html.ts';
import { renderJson } from './json.ts';
import { renderTextReports } from './text-report.ts';

/** The formats of a report by name, with their file name, content type and renderer. */
export const REPORT_FORMATS = {
  table: { file: 'report.txt', contentType: 'text/plain; charset=utf-8', render: renderTableFile },
  html: { file: 'report.html', contentType: 'text/html; charset=utf-8', render: renderHtml },
  csv: { file: 'report.csv', contentType: 'text/csv; charset=utf-8', render: renderCsv },
  json: { file: 'report.json', contentType: 'application/json', render: renderJson },
  focus: { file: 'focus.csv', contentType: 'text/csv; charset=utf-8', render: renderFocus },
} as const satisfies Readonly<
  Record<string, { file: string; contentType: string; render: (reports: readonly WeeklyReport[]) => string }>
>;
/** Name of a format in {@link REPORT_FORMATS}. */
export type ReportFormat = keyof typeof REPORT_FORMATS;

function renderTableFile(reports: readonly WeeklyReport[]): string {
  return `${renderTextReports(reports)}\n`;
}
