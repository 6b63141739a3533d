import type { IsoWeek } from './iso-week.ts';
import { FOCUS_VERSION } from './render/focus.ts';
import { FORMS } from './render/forms.ts';
import { decimalsOf, usdShown } from './render/shown.ts';
import { renderTables } from './render/table.ts';
import type { SpendingFacts } from './spending-facts.ts';
import { type WeeklyReport, weeklyReport } from './weekly-report.ts';

/** Where reports are kept, each under a name of its own; the same name again takes the place of the first. */
export type ReportShelf = {
  put(name: string, contentType: string, text: string): Promise<void>;
  has(name: string): Promise<boolean>;
  /** How a person gets at what is kept under a name. */
  linkOf(name: string): string;
  /** The command that fetches all under a prefix. */
  fetchCommandOf(prefix: string): string;
};

/** What the delivery of a week needs. */
export type DeliveryPorts = {
  readonly readSpending: (week: IsoWeek) => Promise<SpendingFacts>;
  readonly shelf: ReportShelf;
  readonly tell: (subject: string, lines: readonly string[]) => Promise<void>;
  /** The folder of all weeks. */
  readonly prefix: string;
};

/** What was done: the report, and whether anyone was told of it this time. */
export type Delivery = { readonly report: WeeklyReport; readonly isTold: boolean };

const KEPT = [FORMS.html, FORMS.csv, FORMS.json, FORMS.focus];
/** The mark that a week has been told of, beside its files. */
const TOLD = 'told.txt';
/** The longest table of a message; the report has every team. */
const MOST_LINES = 150;

/**
 * Writes a week's report in every form that is kept, and tells the operators where it is: once a week, however often it is
 * delivered. The mark that they were told is written after the message, so that a failure between the two tells them twice
 * rather than never.
 */
export async function deliverWeek(
  { readSpending, shelf, tell, prefix }: DeliveryPorts,
  week: IsoWeek,
): Promise<Delivery> {
  const report = weeklyReport(await readSpending(week), week);
  const folder = `${prefix}${week}/`;
  for (const { file, contentType, render } of KEPT) await shelf.put(`${folder}${file}`, contentType, render([report]));
  if (await shelf.has(`${folder}${TOLD}`)) return { report, isTold: false };
  await tell(subjectOf(report), linesOf(report, shelf, folder));
  await shelf.put(`${folder}${TOLD}`, 'text/plain; charset=utf-8', 'The operators have been told of this week.\n');
  return { report, isTold: true };
}

/** ASCII alone, as SNS wants it. */
function subjectOf({ environmentName, week, total }: WeeklyReport): string {
  const { costPicoUsd } = total.counts;
  return `Groq gateway ${environmentName}: week ${week}, ${usdShown(costPicoUsd, decimalsOf([costPicoUsd]))}`;
}

function linesOf(report: WeeklyReport, shelf: ReportShelf, folder: string): readonly string[] {
  const table = renderTables([report]).split('\n');
  const more = table.length > MOST_LINES ? ['… and more teams: see the report.'] : [];
  return [
    'The report, after signing in to AWS:',
    shelf.linkOf(`${folder}${FORMS.html.file}`),
    '',
    'Or all of it, by those who may read the bucket:',
    shelf.fetchCommandOf(folder),
    '',
    `${FORMS.html.file} is for reading, ${FORMS.csv.file} and ${FORMS.json.file} have each amount exactly, and ${FORMS.focus.file} is a FOCUS ${FOCUS_VERSION} cost export.`,
    '',
    ...table.slice(0, MOST_LINES),
    ...more,
  ];
}
