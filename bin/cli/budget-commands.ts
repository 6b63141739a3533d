import type { Command, Option } from 'commander';
import { parseUsd } from '../../lambda/kernel/money.ts';
import { CommandError } from '../command-error.ts';
import type { BudgetChangeOptions, PauseOptions, ShowBudgetOptions, TopUpOptions } from '../commands/budget.ts';
import { parseUntil } from '../until.ts';
import { environmentOptions, flag, jsonOption, reasonOption, teamOption, valueOption, withOptions } from './options.ts';

/** Declares `budget show`, `top-up`, `pause` and `resume`. */
export function addBudgetCommands(program: Command): void {
  const budget = program.command('budget').description('Show, raise, pause and resume budgets');
  withOptions(
    budget.command('show').description('Show what each team has spent, reserved and left this month'),
    teamOption('this team only'),
    jsonOption(),
    ...environmentOptions(),
  ).action(async (options: ShowBudgetOptions) => await (await loadBudget()).showBudgets(options));
  withOptions(
    budget.command('top-up').description("Raise a budget until a given time, or until the month's end"),
    ...subjectOptions("raise all teams' shared cap instead of one team's budget"),
    valueOption('--usd <amount>', 'dollars to add, such as 50 or 12.50', parseDollars).makeOptionMandatory(),
    untilOption('when the top-up expires', "the month's end"),
    ...changeOptions(),
  ).action(async (options: TopUpOptions) => await (await loadBudget()).topUpBudget(options));
  withOptions(
    budget.command('pause').description('Refuse new calls of a team, or of all teams, at once'),
    ...subjectOptions('pause all teams'),
    untilOption('when the pause ends', 'when resumed'),
    ...changeOptions(),
  ).action(async (options: PauseOptions) => await (await loadBudget()).pauseBudget(options));
  withOptions(
    budget.command('resume').description('Accept calls of a team, or of all teams, again'),
    ...subjectOptions('end the pause of all teams; a team paused by itself stays paused'),
    ...changeOptions(),
  ).action(async (options: BudgetChangeOptions) => await (await loadBudget()).resumeBudget(options));
}

/** Loaded on use: each command's module brings its own SDK clients. */
async function loadBudget() {
  return await import('../commands/budget.ts');
}

function subjectOptions(allDescription: string): readonly Option[] {
  return [teamOption('the team; this or --all'), flag('--all', allDescription)];
}

function changeOptions(): readonly Option[] {
  return [reasonOption().makeOptionMandatory(), jsonOption(), ...environmentOptions()];
}

function untilOption(description: string, defaultTime: string): Option {
  const forms = '4h, 2d, or 2026-11-30T18:00Z';
  return valueOption('--until <time>', `${description}: ${forms} (default: ${defaultTime})`, (text, name) =>
    parseUntil(text, Date.now(), name),
  );
}

function parseDollars(text: string, name: string) {
  const amount = parseUsd(text);
  if (amount === undefined) throw new CommandError(`${name} is "${text}"; it must be dollars such as 50 or 12.50`);
  return amount;
}
