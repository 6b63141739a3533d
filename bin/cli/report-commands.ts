import type { Command } from 'commander';
import type { ReportFormat } from '../../lambda/reporting/render/report-formats.ts';
import type { ReportOptions } from '../commands/report.ts';
import type { RebuildOptions } from '../commands/usage.ts';
import { MAX_WEEKS } from '../report/week-range.ts';
import type { CliRun } from './cli-run.ts';
import {
  adminOptions,
  choice,
  environmentOptions,
  flag,
  jsonOption,
  matching,
  reasonOption,
  teamOption,
  valueOption,
  wholeNumber,
  withOptions,
} from './options.ts';

const FORMATS = ['table', 'html', 'csv', 'json', 'focus'] as const satisfies readonly ReportFormat[];

/** Declares `report` and `usage rebuild`. */
export function addReportCommands(program: Command, run: CliRun): void {
  withOptions(
    program.command('report').description('Report spending by week and team'),
    valueOption('--week <week>', 'last week of the report, such as 2026-W47 (default: the last complete week)'),
    valueOption('--weeks <count>', 'number of weeks', wholeNumber(1, MAX_WEEKS)).default(1),
    valueOption('--format <format>', `one of ${FORMATS.join(', ')}`, choice(FORMATS)).default('table'),
    valueOption('--out <file>', 'write to a file instead of standard output'),
    ...adminOptions(),
  ).action(
    async (options: ReportOptions) => await (await import('../commands/report.ts')).printReport(options, run.progress),
  );
  const usage = program.command('usage').description('Repair usage figures');
  withOptions(
    usage
      .command('rebuild')
      .description("Count calls that usage is missing from the ledger's stream; exit 1 if some are still missing"),
    valueOption(
      '--period <month>',
      'a month such as 2026-11',
      matching(/^\d{4}-(0[1-9]|1[0-2])$/, 'a month such as 2026-11'),
    ),
    teamOption('this team only'),
    flag('--adjust', 'record what is still missing as unattributed; needs --reason'),
    reasonOption(),
    jsonOption(),
    ...environmentOptions(),
  ).action(async (options: RebuildOptions) => {
    const { rebuildUsage } = await import('../commands/usage.ts');
    run.exitCode = (await rebuildUsage(options, run.progress)) ? 0 : 1;
  });
}
