import type { Command } from 'commander';
import type { CatalogDiffOptions } from '../commands/catalog.ts';
import type { ChangesOptions } from '../commands/changes.ts';
import type { ProveOptions } from '../commands/prove.ts';
import type { VerifyOptions } from '../commands/verify.ts';
import type { CliRun } from './cli-run.ts';
import {
  commaSeparated,
  environmentOptions,
  envOption,
  flag,
  jsonOption,
  teamOption,
  valueOption,
  wholeNumber,
  withOptions,
} from './options.ts';

/** With fewer calls, a single one is more than the share of a budget that may stay unused. */
const MIN_CALLS = 40;
const MAX_CALLS = 10_000;
/** The most calls that one ledger allows in flight. */
const MAX_CONCURRENCY = 200;
const MAX_PROCESSES = 8;

const outOption = () => valueOption('--out <folder>', 'folder for the report').default('reports');

/** Declares `verify`, `prove`, `changes` and `catalog diff`. */
export function addDeploymentCommands(program: Command, run: CliRun): void {
  withOptions(
    program.command('verify').description('Check a deployed environment and write a report; exit 1 if a check fails'),
    valueOption('--endpoint <url>', 'another URL of the same endpoint, such as one inside a VPC'),
    flag('--quick', 'skip the check that waits a minute for a revocation'),
    outOption(),
    jsonOption(),
    envOption().makeOptionMandatory(),
  ).action(async (options: VerifyOptions) => {
    const { verify } = await import('../commands/verify.ts');
    run.exitCode = (await verify(options, run.progress)) ? 0 : 1;
  });
  addProveCommand(program, run);
  withOptions(
    program.command('changes').description('Show what the last deployments changed'),
    valueOption('--last <count>', 'number of deployments', wholeNumber(1)).default(1),
    envOption().makeOptionMandatory(),
  ).action(async (options: ChangesOptions) => await (await import('../commands/changes.ts')).printChanges(options));
  const catalog = program.command('catalog').description('Check the catalog of models and prices');
  withOptions(
    catalog.command('diff').description("Compare the catalog with Groq's own list of models; exit 1 if they differ"),
    jsonOption(),
    ...environmentOptions(),
  ).action(async (options: CatalogDiffOptions) => {
    const { diffCatalog } = await import('../commands/catalog.ts');
    run.exitCode = (await diffCatalog(options)) ? 0 : 1;
  });
}

const PROVE_DESCRIPTION = `Overloads budgets with concurrent calls, kills and faults, and writes a report. Exits with 1 if a budget is overspent or less than 95 % usable.

Without --env or --local it starts its own gateways and a fake Groq, and no call leaves this machine. With --env or --local it attacks the budget of --team on a running gateway, and restores that budget at the end. Use a team for tests: its money is spent.`;

function addProveCommand(program: Command, run: CliRun): void {
  withOptions(
    program
      .command('prove')
      .summary('Overload budgets and write a report; exit 1 if one does not hold')
      .description(PROVE_DESCRIPTION),
    valueOption('--calls <count>', 'calls that each budget pays for', wholeNumber(MIN_CALLS, MAX_CALLS)).default(200),
    valueOption('--at-once <count>', 'concurrent calls', wholeNumber(1, MAX_CONCURRENCY)).default(50),
    valueOption('--processes <count>', 'gateway processes to start', wholeNumber(1, MAX_PROCESSES)).default(2),
    valueOption('--only <scenarios>', 'run these scenarios, separated by commas', commaSeparated()),
    teamOption('team to attack on a running gateway'),
    valueOption('--upstream <url>', "the running gateway's fake Groq, to compare with its count"),
    outOption(),
    jsonOption(),
    ...environmentOptions(),
  ).action(async (options: ProveOptions) => {
    const { prove } = await import('../commands/prove.ts');
    run.exitCode = (await prove(options, run.progress)) ? 0 : 1;
  });
}
