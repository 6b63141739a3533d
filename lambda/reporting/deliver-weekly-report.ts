import type { IsoWeek } from './iso-week.ts';
import { FOCUS_VERSION } from './render/focus.ts';
import { decimalPlaces, formatUsd } from './render/format.ts';
import { REPORT_FORMATS } from './render/report-formats.ts';
import { renderTextReports } from './render/text-report.ts';
import type { SpendingFacts } from './spending-facts.ts';
import { buildWeeklyReport, type WeeklyReport } from './weekly-report.ts';

/** Storage of reports by name; a second write of a name replaces the first. */
export type ReportStore = {
  put(name: string, contentType: string, text: string): Promise<void>;
  has(name: string): Promise<boolean>;
  /** A link with which a person can open a report. */
  linkTo(name: string): string;
  /** A shell command that downloads everything under a prefix. */
  downloadCommandFor(prefix: string): string;
};

/** Dependencies of the delivery of a weekly report. */
export type DeliveryPorts = {
  readonly readSpending: (week: IsoWeek) => Promise<SpendingFacts>;
  readonly store: ReportStore;
  /** Reads the differences between the catalog and Groq's list of models that operators were notified of and that hold. */
  readonly readCatalogDifferences: () => Promise<readonly string[]>;
  readonly notify: (subject: string, lines: readonly string[]) => Promise<void>;
  /** Folder of all weeks' folders. */
  readonly prefix: string;
};

/** A delivered report; `isNotified` is false if an earlier delivery had notified the operators. */
export type Delivery = { readonly report: WeeklyReport; readonly isNotified: boolean };

const STORED_FORMATS = [REPORT_FORMATS.html, REPORT_FORMATS.csv, REPORT_FORMATS.json, REPORT_FORMATS.focus];
/** Marks a week whose notification was sent, in the folder of its files. */
const DELIVERED_MARKER = 'delivered.txt';
/** The marker's name before version 0.2.0. It still counts, so that an upgrade within a week sends nothing twice. */
const LEGACY_DELIVERED_MARKER = 'told.txt';
/** Maximum lines of a message's table; the report has every team. */
const MAX_LINES = 150;

/**
 * Stores a week's report in every format and notifies the operators where it is. A retry replaces the files without a
 * second notification. The marker is written after the notification, so that a failure between the two causes a second
 * message rather than none.
 */
export async function deliverWeeklyReport(
  { readSpending, readCatalogDifferences, store, notify, prefix }: DeliveryPorts,
  week: IsoWeek,
): Promise<Delivery> {
  const report = buildWeeklyReport(await readSpending(week), week);
  const folder = `${prefix}${week}/`;
  for (const { file, contentType, render } of STORED_FORMATS)
    await store.put(`${folder}${file}`, contentType, render([report]));
  if (await isDelivered(store, folder)) return { report, isNotified: false };
  await notify(messageSubject(report), [
    ...messageLines(report, store, folder),
    ...describeDifferences(await readCatalogDifferences()),
  ]);
  const text = 'The operators have been notified of this week.\n';
  await store.put(`${folder}${DELIVERED_MARKER}`, 'text/plain; charset=utf-8', text);
  return { report, isNotified: true };
}

async function isDelivered(store: ReportStore, folder: string): Promise<boolean> {
  for (const marker of [DELIVERED_MARKER, LEGACY_DELIVERED_MARKER])
    if (await store.has(`${folder}${marker}`)) return true;
  return false;
}

/** The subject in ASCII, as SNS requires. */
function messageSubject({ environmentName, week, total }: WeeklyReport): string {
  const { costPicoUsd } = total.counts;
  return `Groq gateway ${environmentName}: week ${week}, ${formatUsd(costPicoUsd, decimalPlaces([costPicoUsd]))}`;
}

function messageLines(report: WeeklyReport, store: ReportStore, folder: string): readonly string[] {
  const table = renderTextReports([report]).split('\n');
  const omitted = table.length > MAX_LINES ? ['… and more teams: see the report.'] : [];
  return [
    'The report (sign in to AWS first):',
    store.linkTo(`${folder}${REPORT_FORMATS.html.file}`),
    '',
    'To download all files, with read access to the bucket:',
    store.downloadCommandFor(folder),
    '',
    `${REPORT_FORMATS.html.file} is for reading, ${REPORT_FORMATS.csv.file} and ${REPORT_FORMATS.json.file} have exact amounts, and ${REPORT_FORMATS.focus.file} is a FOCUS ${FOCUS_VERSION} cost export.`,
    '',
    ...table.slice(0, MAX_LINES),
    ...omitted,
  ];
}

function describeDifferences({ length }: readonly string[]): readonly string[] {
  if (length === 0) return [];
  const count = length === 1 ? 'one difference' : `${length} differences`;
  return ['', `The catalog has ${count} from Groq's own list of models: see groq-rbac catalog diff.`];
}
