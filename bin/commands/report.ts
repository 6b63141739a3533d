import { writeFileSync } from 'node:fs';
import { createSpendingPorts } from '../../lambda/functions/spending-ports.ts';
import { systemClock } from '../../lambda/kernel/io/system.ts';
import type { IsoWeek } from '../../lambda/reporting/iso-week.ts';
import { readSpending } from '../../lambda/reporting/read-spending.ts';
import { REPORT_FORMATS, type ReportFormat } from '../../lambda/reporting/render/report-formats.ts';
import type { SpendingFacts } from '../../lambda/reporting/spending-facts.ts';
import { buildWeeklyReport } from '../../lambda/reporting/weekly-report.ts';
import { type AdminOptions, openAdminClient } from '../admin-client.ts';
import { CommandError } from '../command-error.ts';
import type { Progress } from '../progress.ts';
import { readSpendingOverHttp } from '../report/spending-over-http.ts';
import { parseWeekRange } from '../report/week-range.ts';
import { openStores } from '../stores.ts';

/** Options of `report`. */
export type ReportOptions = AdminOptions & {
  readonly week: string | undefined;
  readonly weeks: number;
  readonly format: ReportFormat;
  /** A file instead of standard output. */
  readonly out: string | undefined;
};

/** `report`: prints the spending of some weeks. It reads the tables, or the endpoint with a key; both give the same report. */
export async function printReport(options: ReportOptions, progress: Progress): Promise<void> {
  const { format, out } = options;
  const nowEpochMs = Date.now();
  const weeks = parseWeekRange(options.week, options.weeks, nowEpochMs);
  const facts = await readFacts(options, weeks, nowEpochMs, progress);
  progress.showMessage('rendering');
  const text = REPORT_FORMATS[format].render(weeks.map((week) => buildWeeklyReport(facts, week)));
  progress.end();
  if (out === undefined) process.stdout.write(text);
  else {
    write(out, text);
    console.error(`Wrote ${out}`);
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
    return await readSpendingOverHttp(client, weeks, nowEpochMs, (done, total) =>
      progress.step('days read', done, total),
    );
  }
  const stores = await openStores(options);
  const ports = createSpendingPorts(stores.dynamo, stores, systemClock);
  return await readSpending(ports, weeks, { onTeam: (done, total) => progress.step('teams read', done, total) });
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new CommandError(`cannot write --out ${file}: ${reason}`, { cause });
  }
}
