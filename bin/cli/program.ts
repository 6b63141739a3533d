import { Command, CommanderError } from 'commander';
import { redactKeys } from '../../lambda/kernel/key-redaction.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { CommandError } from '../command-error.ts';
import type { Progress } from '../progress.ts';
import { addBudgetCommands } from './budget-commands.ts';
import type { CliRun } from './cli-run.ts';
import { addDeploymentCommands } from './deployment-commands.ts';
import { addGroqKeyCommands } from './groq-key-commands.ts';
import { addKeyCommands } from './key-commands.ts';
import { addReportCommands } from './report-commands.ts';
import { installUsageErrors, subcommandError } from './usage-errors.ts';

const DESCRIPTION = `Operates Groq gateways: budgets, team keys, Groq keys, reports and checks.

Select a gateway with --env <environment>, which uses your AWS credentials and region (AWS_PROFILE, AWS_REGION) on the stack groq-gateway-<environment>, or with --local for the gateway that npm start runs on this machine. The commands keys, audit and report also take --endpoint <url>, with a gateway key in GROQ_RBAC_KEY.

Exit codes: 0 success; 1 a check failed, or an unexpected error; 2 wrong usage, or a request that was refused.`;

/**
 * Parses the arguments, runs the command, prints its error if it fails, and returns the exit code: 2 for a CommandError, 1
 * for any other error.
 */
export async function runCli(args: readonly string[], progress: Progress): Promise<number> {
  const run: CliRun = { progress, exitCode: 0 };
  const [first, ...rest] = args;
  try {
    const words = first === 'help' ? [...rest, '--help'] : [...args];
    await buildProgram(run)
      .parseAsync(words, { from: 'user' })
      .finally(() => progress.end());
    return run.exitCode;
  } catch (error) {
    // Commander has printed the help or the version.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isExpected = error instanceof CommandError;
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
    // Messages repeat what was typed, and a key may have been typed by mistake.
    console.error(redactKeys(isExpected ? `error: ${message}` : `error: ${name}: ${message.split('\n')[0]}`));
    return isExpected ? 2 : 1;
  }
}

function buildProgram(run: CliRun): Command {
  const program = new Command('groq-rbac')
    .description(DESCRIPTION)
    .version(packageJson.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .configureOutput({ outputError: () => {} })
    .configureHelp({
      optionDescription: ({ description, defaultValue }) =>
        defaultValue === undefined || defaultValue === false
          ? description
          : `${description} (default: ${defaultValue})`,
    });
  addDeploymentCommands(program, run);
  addBudgetCommands(program);
  addKeyCommands(program);
  addGroqKeyCommands(program);
  addReportCommands(program, run);
  for (const group of [program, ...program.commands.filter(({ commands }) => commands.length > 0)])
    completeGroup(group);
  installUsageErrors(program);
  return program;
}

/** Makes a group without a valid subcommand print help, or fail with the list of its subcommands. */
function completeGroup(group: Command): void {
  group
    .usage('<command> [options]')
    .helpCommand('help [command]', 'Show help for a command')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      if (group.parent === null && group.args.length === 0) group.help({ error: true });
      throw subcommandError(group);
    });
}
