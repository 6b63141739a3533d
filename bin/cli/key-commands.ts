import type { Command, Option } from 'commander';
import type { Role } from '../../lambda/access/identity.ts';
import { ENDPOINTS } from '../../lambda/contract.ts';
import type { AuditOptions } from '../commands/audit.ts';
import type { CreateKeyOptions, ListKeysOptions, RevokeKeyOptions, RotateKeyOptions } from '../commands/keys.ts';
import type { LeakedKeyOptions } from '../commands/leaked-key.ts';
import type { KeyOptions } from '../new-key.ts';
import { parseUntil } from '../until.ts';
import {
  adminOptions,
  choice,
  commaSeparated,
  decimalNumber,
  flag,
  jsonOption,
  matching,
  reasonOption,
  teamOption,
  valueOption,
  withOptions,
} from './options.ts';

const ROLES = ['admin', 'lead', 'member', 'viewer'] as const satisfies readonly Role[];
const KEY_ARGUMENT_HELP = 'the key, or its id: the third part of grk_<environment>_<id>_…';

/** Declares the commands for team keys, and the audit trail of administrative actions. */
export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('Create, list, rotate and revoke team keys');
  addCreateCommand(keys);
  addReplacementCommands(keys);
  withOptions(
    keys.command('list').description('List keys, their limits and their use; never the secret'),
    teamOption('keys of this team only'),
    flag('--all', 'include keys that are revoked or expired'),
    jsonOption(),
    ...adminOptions(),
  ).action(async (options: ListKeysOptions) => await (await import('../commands/keys.ts')).listKeys(options));
  withOptions(
    keys.command('revoke').description('Revoke a key at once').argument('<key-or-id>', KEY_ARGUMENT_HELP),
    reasonOption().makeOptionMandatory(),
    jsonOption(),
    ...adminOptions(),
  ).action(
    async (keyOrId: string, options: RevokeKeyOptions) =>
      await (await import('../commands/keys.ts')).revokeKey(options, keyOrId),
  );
  withOptions(
    keys.command('whoami').description('Show the identity that commands act as'),
    jsonOption(),
    ...adminOptions(),
  ).action(async (options: KeyOptions) => await (await import('../commands/keys.ts')).whoami(options));
  const audit = program.command('audit').description('Read the audit trail');
  withOptions(
    audit.command('list').description('List administrative actions, newest first'),
    valueOption('--month <month>', 'a month such as 2026-11 (default: this month)'),
    valueOption('--limit <count>', 'at most this many actions'),
    jsonOption(),
    ...adminOptions(),
  ).action(async (options: AuditOptions) => await (await import('../commands/audit.ts')).listAudit(options));
}

function addCreateCommand(keys: Command): void {
  const parseExpiry = (text: string, name: string) => parseUntil(text, Date.now(), name);
  const purposeForm = '1 to 32 lower-case letters, digits and hyphens';
  const limit = (flags: string, description: string, ...parse: [Parameters<typeof valueOption>[2]] | []) =>
    valueOption(flags, description, ...parse).helpGroup("Limits within the team's policy:");
  withOptions(
    keys.command('create').description('Create a key and print it once, alone on standard output'),
    teamOption('the team; required for the roles member and lead'),
    valueOption(
      '--role <role>',
      'member calls models, viewer reads usage, lead administers a team, admin the organisation',
      choice(ROLES),
    ).default('member'),
    valueOption(
      '--purpose <purpose>',
      'last part of the key name, <team>-<environment>-<purpose>',
      matching(/^[a-z0-9][a-z0-9-]{0,31}$/, purposeForm),
    ).default('main'),
    limit('--models <models>', 'models it may call, separated by commas', commaSeparated()),
    limit('--endpoints <endpoints>', `endpoints it may call: ${ENDPOINTS.join(',')}`, commaSeparated(ENDPOINTS)),
    limit('--rpm <count>', 'requests a minute', decimalNumber),
    limit('--tpm <count>', 'tokens a minute', decimalNumber),
    limit('--usd <amount>', 'dollars a month', decimalNumber),
    limit('--expires <time>', 'when it expires: 30d, or 2026-12-31', parseExpiry),
    ...newKeyOptions(),
  ).action(async (options: CreateKeyOptions) => await (await import('../commands/keys.ts')).createKey(options));
}

function addReplacementCommands(keys: Command): void {
  withOptions(
    keys
      .command('rotate')
      .description('Create a successor; both keys work during the overlap')
      .argument('<key-or-id>', KEY_ARGUMENT_HELP),
    valueOption('--overlap <hours>', 'hours until the old key expires (default: 24)', decimalNumber),
    reasonOption(),
    ...newKeyOptions(),
  ).action(
    async (keyOrId: string, options: RotateKeyOptions) =>
      await (await import('../commands/keys.ts')).rotateKey(options, keyOrId),
  );
  withOptions(
    keys
      .command('leaked')
      .description('Revoke a leaked key at once, create a replacement, and print a notice for the team')
      .argument('<key-or-id>', KEY_ARGUMENT_HELP),
    flag('--with-made', 'also revoke the keys that it created'),
    reasonOption().makeOptionMandatory(),
    ...newKeyOptions(),
  ).action(
    async (keyOrId: string, options: LeakedKeyOptions) =>
      await (await import('../commands/leaked-key.ts')).replaceLeakedKey(options, keyOrId),
  );
}

function newKeyOptions(): readonly Option[] {
  return [
    valueOption('--out-file <file>', 'write the new key to a new file that only you can read'),
    valueOption('--secret <name>', 'store the new key in AWS Secrets Manager'),
    jsonOption(),
    ...adminOptions(),
  ];
}
