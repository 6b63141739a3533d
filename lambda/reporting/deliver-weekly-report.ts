import type { IsoWeek } from './iso-week.ts';
import { FOCUS_VERSION } from './render/focus.ts';
import { decimalPlaces, formatUsd } from './render/format.ts';
import { REPORT_FORMATS } from './render/report-formats.ts';
import { renderTextReports } from './render/text-report.ts';
import type { SpendingFacts } from './spending-facts.ts';
import { buildWeeklyReport, type WeeklyReport } from './weekly-report.ts';

/** Where reports are kept, each under a name of its own; the same name again takes the place of the first. */
export type ReportStore = {
  put(name: string, contentType: string, text: string): Promise<void>;
  has(name: string): Promise<boolean>;
  /** How a person gets at what is kept under a name. */
  linkTo(name: string): string;
  /** The command that fetches all under a prefix. */
  downloadCommandFor(prefix: string): string;
};

/** What the delivery of a week needs. */
export type DeliveryPorts = {
  readonly readSpending: (week: IsoWeek) => Promise<SpendingFacts>;
  readonly store: ReportStore;
  readonly notify: (subject: string, lines: readonly string[]) => Promise<void>;
  /** The folder of all weeks. */
  readonly prefix: string;
};

/** What was done: the report, and whether anyone was told of it this time. */
export type Delivery = { readonly report: WeeklyReport; readonly isNotified: boolean };

const STORED_FORMATS = [REPORT_FORMATS.html, REPORT_FORMATS.csv, REPORT_FORMATS.json, REPORT_FORMATS.focus];
/** The mark that a week has been told of, beside its files. */
const NOTIFIED_MARKER = 'told.txt';
/** The longest table of a message; the report has every team. */
const MAX_LINES = 150;

/**
 * Writes a week's report in every form that is kept, and tells the operators where it is: once a week, however often it is
 * delivered. The mark that they were told is written after the message, so that a failure between the two tells them twice
 * rather than never.
 */
export async function deliverWeeklyReport(
  { readSpending, store, notify, prefix }: DeliveryPorts,
  week: IsoWeek,
): Promise<Delivery> {
  const report = buildWeeklyReport(await readSpending(week), week);
  const folder = `${prefix}${week}/`;
  for (const { file, contentType, render } of STORED_FORMATS)
    await store.put(`${folder}${file}`, contentType, render([report]));
  if (await store.has(`${folder}${NOTIFIED_MARKER}`)) return { report, isNotified: false };
  await notify(messageSubject(report), messageLines(report, store, folder));
  await store.put(
    `${folder}${NOTIFIED_MARKER}`,
    'text/plain; charset=utf-8',
    'The operators have been told of this week.\n',
  );
  return { report, isNotified: true };
}

/** ASCII alone, as SNS wants it. */
function messageSubject({ environmentName, week, total }: WeeklyReport): string {
  const { costPicoUsd } = total.counts;
  return `Groq gateway ${environmentName}: week ${week}, ${formatUsd(costPicoUsd, decimalPlaces([costPicoUsd]))}`;
}

function messageLines(report: WeeklyReport, store: ReportStore, folder: string): readonly string[] {
  const table = renderTextReports([report]).split('\n');
  const more = table.length > MAX_LINES ? ['… and more teams: see the report.'] : [];
  return [
    'The report, after signing in to AWS:',
    store.linkTo(`${folder}${REPORT_FORMATS.html.file}`),
    '',
    'Or all of it, by those who may read the bucket:',
    store.downloadCommandFor(folder),
    '',
    `${REPORT_FORMATS.html.file} is for reading, ${REPORT_FORMATS.csv.file} and ${REPORT_FORMATS.json.file} have each amount exactly, and ${REPORT_FORMATS.focus.file} is a FOCUS ${FOCUS_VERSION} cost export.`,
    '',
    ...table.slice(0, MAX_LINES),
    ...more,
  ];
}
