import type { Command, CommanderError } from 'commander';
import { didYouMean, nearestWord } from '../../lambda/kernel/nearest-word.ts';
import { CommandError } from '../command-error.ts';

const EXPOSED_KEY_ADVICE =
  'A key typed as an argument is now in your shell history: create another one, and pipe it or type it at the prompt.';
const GROUP_OF_SECRETS = 'groq-key';

/** The names of a command and its groups, such as `keys list`; empty for the program itself. */
function commandPath(command: Command): string {
  return command.parent === null ? '' : `${commandPath(command.parent)} ${command.name()}`.trim();
}

function usageError(command: Command, text: string, advice = exposedKeyAdvice(command)): CommandError {
  const sentence = text.endsWith('?') ? text : `${text}.`;
  const help = ['groq-rbac', commandPath(command), '--help'].filter((word) => word !== '').join(' ');
  return new CommandError([sentence, advice, `See: ${help}`].filter((part) => part !== '').join(' '));
}

/** The advice for a `groq-key` command with an argument, whatever else is wrong: the argument may be a key. */
function exposedKeyAdvice(command: Command): string {
  const hasArgument = command.args.some((argument) => !argument.startsWith('-'));
  return hasArgument && commandPath(command).startsWith(GROUP_OF_SECRETS) ? EXPOSED_KEY_ADVICE : '';
}

/** Throws a one-line error of this command line for whatever commander refuses about a command or its subcommands. */
export function installUsageErrors(command: Command): void {
  command.exitOverride((error) => {
    throw error.exitCode === 0 || error.code === 'commander.help' ? error : translate(command, error);
  });
  for (const subcommand of command.commands) installUsageErrors(subcommand);
}

function translate(command: Command, { code, message }: CommanderError): CommandError {
  const [, quoted = ''] = /'([^']+)'/.exec(message) ?? [];
  const place = `"${commandPath(command)}"`;
  switch (code) {
    case 'commander.unknownOption': {
      // A value after "=" is not repeated: it may be a key.
      const [name = ''] = quoted.split('=');
      const names = command.options.map((option) => option.name());
      const near = nearestWord(name.replace(/^-+/, ''), names);
      const hint = near === undefined ? '' : `; did you mean '--${near}'?`;
      return usageError(command, `unknown option '${name}' for ${place}${hint}`, '');
    }
    case 'commander.optionMissingArgument':
      return usageError(command, `option '${quoted}' for ${place} needs a value`);
    case 'commander.missingMandatoryOptionValue':
      return usageError(command, `missing required option '${quoted}' for ${place}`);
    case 'commander.missingArgument':
      return usageError(command, `missing required argument <${quoted}> for ${place}`);
    case 'commander.excessArguments':
      return usageError(command, `unexpected argument for ${place}`);
    default:
      return usageError(command, message.replace(/^error: /, ''));
  }
}

/** The error of a group that was called without one of its subcommands. */
export function subcommandError(group: Command): CommandError {
  const path = commandPath(group);
  const names = group.commands.map((command) => command.name());
  const [word] = group.args;
  if (word === undefined || word.startsWith('-')) {
    const advice = word === undefined ? '' : `Options go after the ${path === '' ? 'command' : 'subcommand'}.`;
    const missing = path === '' ? 'missing command' : `missing subcommand for "${path}"`;
    return usageError(group, `${missing}; one of ${names.join(', ')}`, advice);
  }
  // The word is not repeated where it may be a key.
  if (group.name() === GROUP_OF_SECRETS)
    return usageError(group, `unknown subcommand for "${path}"; one of ${names.join(', ')}`);
  if (path === '') return usageError(group, `unknown command "${word}"${didYouMean(word, names)}`);
  const hint = didYouMean(word, names) || `; one of ${names.join(', ')}`;
  return usageError(group, `unknown subcommand "${word}" for "${path}"${hint}`);
}
