import { writeFileSync } from 'node:fs';
import { createSpendingPorts } from '../../lambda/functions/spending-ports.ts';
import { systemClock } from '../../lambda/kernel/io/system.ts';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import type { IsoWeek } from '../../lambda/reporting/iso-week.ts';
import { readSpending } from '../../lambda/reporting/read-spending.ts';
import { isReportFormat, REPORT_FORMATS } from '../../lambda/reporting/render/report-formats.ts';
import type { SpendingFacts } from '../../lambda/reporting/spending-facts.ts';
import { buildWeeklyReport } from '../../lambda/reporting/weekly-report.ts';
import { type AdminOptions, openAdminClient } from '../admin-client.ts';
import { CommandError } from '../deployment.ts';
import type { Progress } from '../progress.ts';
import { readSpendingOverHttp } from '../report/spending-over-http.ts';
import { parseWeekRange } from '../report/week-range.ts';
import { openStores } from '../stores.ts';

/** What `report` is told. */
export type ReportOptions = AdminOptions & {
  readonly week: string | undefined;
  readonly weeks: string;
  readonly format: string;
  /** A file instead of standard output. */
  readonly out: string | undefined;
};

/** `report`: what some weeks came to, in any form; the same from IAM, from a key, and from the tables of `npm start`. */
export async function printReport(options: ReportOptions, progress: Progress): Promise<void> {
  const { format, out } = options;
  if (!isReportFormat(format)) {
    const forms = Object.keys(REPORT_FORMATS);
    throw new CommandError(
      `--format is "${format}"${didYouMean(format, forms)}; it must be one of ${forms.join(', ')}`,
    );
  }
  const nowEpochMs = Date.now();
  const weeks = parseWeekRange(options.week, options.weeks, nowEpochMs);
  const facts = await readFacts(options, weeks, nowEpochMs, progress);
  progress.showMessage('rendering');
  const text = REPORT_FORMATS[format].render(weeks.map((week) => buildWeeklyReport(facts, week)));
  progress.end();
  if (out === undefined) process.stdout.write(text);
  else {
    write(out, text);
    console.error(`wrote ${out}`);
  }
}

async function readFacts(
  options: ReportOptions,
  weeks: readonly IsoWeek[],
  nowEpochMs: number,
  progress: Progress,
): Promise<SpendingFacts> {
  if (options.endpoint !== undefined) {
    const client = await openAdminClient(options);
    return await readSpendingOverHttp(client, weeks, nowEpochMs, (done, of) => progress.step('days read', done, of));
  }
  const stores = await openStores(options);
  const ports = createSpendingPorts(stores.dynamo, stores, systemClock);
  return await readSpending(ports, weeks, { onTeam: (done, of) => progress.step('teams read', done, of) });
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new CommandError(`--out ${file} cannot be written: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}
