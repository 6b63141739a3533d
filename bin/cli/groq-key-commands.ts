import type { Command, Option } from 'commander';
import { isGroqKeyName } from '../../lambda/groq-keys/groq-key-name.ts';
import { CommandError } from '../command-error.ts';
import type {
  GroqKeyIdOptions,
  GroqKeyOptions,
  NewGroqKeyOptions,
  RevokeGroqKeyOptions,
  RotationReportOptions,
} from '../commands/groq-key-command.ts';
import {
  environmentOptions,
  jsonOption,
  matching,
  reasonOption,
  teamOption,
  valueOption,
  withOptions,
} from './options.ts';

/** Declares the commands for the Groq keys that gateways send upstream. */
export function addGroqKeyCommands(program: Command): void {
  const group = program.command('groq-key').summary("Set, stage, rotate and revoke teams' Groq keys");
  group.description(
    "Sets, stages, rotates and revokes teams' Groq keys.\n\nset and stage read the key from a prompt without echo, or from standard input. Never pass a key as an argument.",
  );
  const add = (name: string, description: string, ...options: readonly Option[]) =>
    withOptions(
      group.command(name).description(description),
      teamOption('the team').makeOptionMandatory(),
      ...options,
      jsonOption(),
      ...environmentOptions(),
    );
  add('set', "Set a team's first Groq key, or replace one that Groq rejects", nameOption()).action(
    async (options: NewGroqKeyOptions) => await (await import('../commands/groq-key-queue.ts')).setKey(options),
  );
  add('stage', "Add a key to the team's queue for the next rotations", nameOption()).action(
    async (options: NewGroqKeyOptions) => await (await import('../commands/groq-key-queue.ts')).stageKey(options),
  );
  add('unstage', 'Remove a key from the queue', keyIdOption('the key').makeOptionMandatory()).action(
    async (options: GroqKeyIdOptions) => await (await import('../commands/groq-key-queue.ts')).unstageKey(options),
  );
  add('rotate', 'Make the next key current; the old one stays usable for at least a day').action(
    async (options: GroqKeyOptions) => await (await import('../commands/groq-key-rotation.ts')).rotateKey(options),
  );
  add('status', "Show a team's keys, their states and calls, and how many are staged").action(
    async (options: GroqKeyOptions) => await (await import('../commands/groq-key-status.ts')).showKeys(options),
  );
  add(
    'report',
    'Print the timeline and the calls of a rotation as Markdown',
    keyIdOption('the key that the rotation made current (default: the current key)'),
  ).action(
    async (options: RotationReportOptions) =>
      await (await import('../commands/groq-key-status.ts')).showReport(options),
  );
  add(
    'revoke',
    'Stop using the current key now, switch to the next one, and count the failed calls',
    keyIdOption('revoke only if this key is current'),
    reasonOption().makeOptionMandatory(),
  ).action(
    async (options: RevokeGroqKeyOptions) =>
      await (await import('../commands/groq-key-rotation.ts')).revokeKey(options),
  );
  const deletedKey = keyIdOption('the deleted key').makeOptionMandatory();
  add('confirm-deleted', 'Record that a key has been deleted in the Groq console', deletedKey).action(
    async (options: GroqKeyIdOptions) =>
      await (await import('../commands/groq-key-queue.ts')).confirmKeyDeleted(options),
  );
}

function nameOption(): Option {
  return valueOption('--name <name>', "the key's name in the Groq console", (text, name) => {
    if (isGroqKeyName(text)) return text;
    throw new CommandError(
      `${name} must be the key's name in the Groq console: 1 to 63 lower-case letters, digits and hyphens, starting with a letter`,
    );
  });
}

function keyIdOption(description: string): Option {
  const form = 'the id of a Groq key: 12 hex digits, as groq-key status shows it';
  return valueOption('--key <id>', description, matching(/^[0-9a-f]{12}$/, form));
}
