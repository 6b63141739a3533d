import { type Command, Option } from 'commander';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import { CommandError } from '../command-error.ts';

/** Converts the text of an option to its value. @throws CommandError that names the option and the values it takes. */
type ValueParser = (text: string, name: string) => unknown;

/**
 * An option with a value, declared as `--name <value>`. Refuses an empty value, which comes from an unset shell variable, and
 * one that is itself an option.
 */
export function valueOption(flags: string, description: string, parse: ValueParser = (text) => text): Option {
  const [name = ''] = flags.split(' ');
  return new Option(flags, description).argParser((text) => {
    if (text === '' || text.startsWith('--')) throw new CommandError(`option '${flags}' needs a value`);
    return parse(text, name);
  });
}

/** An option without a value, false by default. */
export function flag(flags: string, description: string): Option {
  return new Option(flags, description).default(false);
}

/** Adds options to a command, in the order of its help. */
export function withOptions(command: Command, ...options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}

const ENVIRONMENT_GROUP = 'Environment:';

/** `--env` alone, for commands that read an AWS deployment. */
export function envOption(): Option {
  const description = 'environment on AWS; uses your AWS credentials and region (AWS_PROFILE, AWS_REGION)';
  return valueOption('--env <environment>', description).helpGroup(ENVIRONMENT_GROUP);
}

/** `--env`, or `--local` in its place. */
export function environmentOptions(): readonly Option[] {
  const local = flag('--local', 'the gateway that npm start runs on this machine, instead of --env');
  return [envOption(), local.helpGroup(ENVIRONMENT_GROUP)];
}

/** `--env`, `--local`, or `--endpoint` with a key. */
export function adminOptions(): readonly Option[] {
  const description = "the gateway's URL, instead of --env; authenticates with the key in GROQ_RBAC_KEY";
  return [...environmentOptions(), valueOption('--endpoint <url>', description).helpGroup(ENVIRONMENT_GROUP)];
}

export function jsonOption(): Option {
  return flag('--json', 'print JSON');
}

export function teamOption(description: string): Option {
  return valueOption('--team <team>', description);
}

export function reasonOption(): Option {
  return valueOption('--reason <text>', 'why; recorded in the audit trail');
}

/** Parses a whole number within limits. */
export function wholeNumber(min: number, max = Number.POSITIVE_INFINITY): ValueParser {
  return (text, name) => {
    const number = Number(text);
    if (text.trim() !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
    const range = Number.isFinite(max) ? `from ${min} to ${max}` : `of at least ${min}`;
    throw new CommandError(`${name} is "${text}"; it must be a whole number ${range}`);
  };
}

/** Parses any number; the API checks its range. */
export function decimalNumber(text: string, name: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number))
    throw new CommandError(`${name} is "${text}"; it must be a number`);
  return number;
}

/** Parses one of a few words. */
export function choice(choices: readonly string[]): ValueParser {
  return (text, name) => {
    if (choices.includes(text)) return text;
    const hint = didYouMean(text, choices);
    throw new CommandError(`${name} is "${text}"; it must be one of ${choices.join(', ')}${hint}`);
  };
}

/** Parses a list such as `a,b`, of any words or of a few. */
export function commaSeparated(choices?: readonly string[]): ValueParser {
  return (text, name) => {
    const words = text.split(',').map((word) => word.trim());
    const unknown = choices === undefined ? undefined : words.find((word) => !choices.includes(word));
    if (choices === undefined || unknown === undefined) return words;
    const hint = didYouMean(unknown, choices);
    throw new CommandError(`${name} has "${unknown}"; it takes ${choices.join(', ')}${hint}`);
  };
}

/** Parses text of a given form; `form` completes "it must be …". The text is not repeated: it may be a key. */
export function matching(pattern: RegExp, form: string): ValueParser {
  return (text, name) => {
    if (pattern.test(text)) return text;
    throw new CommandError(`${name} must be ${form}`);
  };
}
