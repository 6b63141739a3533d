import { parseArgs } from 'node:util';
import { didYouMean, nearestWord } from '../lambda/kernel/nearest-word.ts';
import { CommandError } from './deployment.ts';

const OPTIONS = {
  env: { type: 'string' },
  local: { type: 'boolean', default: false },
  team: { type: 'string' },
  role: { type: 'string', default: 'member' },
  name: { type: 'string' },
  key: { type: 'string' },
  purpose: { type: 'string', default: 'main' },
  reason: { type: 'string' },
  all: { type: 'boolean', default: false },
  usd: { type: 'string' },
  until: { type: 'string' },
  endpoint: { type: 'string' },
  out: { type: 'string' },
  week: { type: 'string' },
  weeks: { type: 'string', default: '1' },
  format: { type: 'string', default: 'table' },
  calls: { type: 'string', default: '200' },
  'at-once': { type: 'string', default: '50' },
  processes: { type: 'string', default: '2' },
  only: { type: 'string' },
  upstream: { type: 'string' },
  last: { type: 'string', default: '1' },
  models: { type: 'string' },
  endpoints: { type: 'string' },
  rpm: { type: 'string' },
  tpm: { type: 'string' },
  expires: { type: 'string' },
  overlap: { type: 'string' },
  'out-file': { type: 'string' },
  secret: { type: 'string' },
  'with-made': { type: 'boolean', default: false },
  month: { type: 'string' },
  limit: { type: 'string' },
  period: { type: 'string' },
  adjust: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const ENVIRONMENT_OPTIONS = ['env', 'local', 'json'] as const;
const ADMIN_OPTIONS = [...ENVIRONMENT_OPTIONS, 'endpoint'] as const;
const NEW_KEY_OPTIONS = [...ADMIN_OPTIONS, 'out-file', 'secret'] as const;
const LIMIT_OPTIONS = ['models', 'endpoints', 'rpm', 'tpm', 'usd', 'expires'] as const;

/** Each command with the options that it takes: one that it would leave aside is refused, or it would do what was not meant. */
const COMMANDS: Readonly<Record<string, readonly (keyof typeof OPTIONS)[]>> = {
  verify: ['env', 'endpoint', 'out', 'quick', 'json'],
  prove: [...ENVIRONMENT_OPTIONS, 'team', 'upstream', 'processes', 'calls', 'at-once', 'only', 'out'],
  changes: ['env', 'last'],
  report: ['env', 'local', 'endpoint', 'week', 'weeks', 'format', 'out'],
  'keys create': [...NEW_KEY_OPTIONS, 'team', 'role', 'purpose', ...LIMIT_OPTIONS],
  'keys list': [...ADMIN_OPTIONS, 'team', 'all'],
  'keys rotate': [...NEW_KEY_OPTIONS, 'overlap', 'reason'],
  'keys revoke': [...ADMIN_OPTIONS, 'reason'],
  'keys leaked': [...NEW_KEY_OPTIONS, 'with-made', 'reason'],
  'keys whoami': ADMIN_OPTIONS,
  'groq-key set': [...ENVIRONMENT_OPTIONS, 'team', 'name'],
  'groq-key stage': [...ENVIRONMENT_OPTIONS, 'team', 'name'],
  'groq-key rotate': [...ENVIRONMENT_OPTIONS, 'team'],
  'groq-key status': [...ENVIRONMENT_OPTIONS, 'team'],
  'groq-key report': [...ENVIRONMENT_OPTIONS, 'team', 'key'],
  'groq-key revoke': [...ENVIRONMENT_OPTIONS, 'team', 'key', 'reason'],
  'groq-key unstage': [...ENVIRONMENT_OPTIONS, 'team', 'key'],
  'groq-key confirm-deleted': [...ENVIRONMENT_OPTIONS, 'team', 'key'],
  'audit list': [...ADMIN_OPTIONS, 'month', 'limit'],
  'budget show': [...ENVIRONMENT_OPTIONS, 'team'],
  'budget top-up': [...ENVIRONMENT_OPTIONS, 'team', 'all', 'usd', 'until', 'reason'],
  'budget pause': [...ENVIRONMENT_OPTIONS, 'team', 'all', 'until', 'reason'],
  'budget resume': [...ENVIRONMENT_OPTIONS, 'team', 'all', 'reason'],
  'usage rebuild': [...ENVIRONMENT_OPTIONS, 'team', 'period', 'adjust', 'reason'],
};
const EXPOSED_KEY_ADVICE =
  "a key that was typed here stands in your shell's history: make another, and pipe it or use the prompt";
/** The commands that name a key behind their own words. */
const COMMANDS_WITH_ARGUMENT = ['keys rotate', 'keys revoke', 'keys leaked'];
const COMMAND_GROUPS = new Set(
  Object.keys(COMMANDS)
    .filter((command) => command.includes(' '))
    .map((command) => command.split(' ')[0] ?? ''),
);

/** The command's name, its options, and the key or id behind it; the name is empty where there is none. */
export type CommandLine = {
  readonly command: string;
  readonly values: ReturnType<typeof parseOptions>['values'];
  readonly argument: string | undefined;
};

/**
 * Reads what was typed. What is left over is refused, and never echoed: it may be a key.
 *
 * @throws CommandError that names what is wrong.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  // First whatever it is, so that an error can tell of the command that was meant.
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const named = tokens.filter((token) => token.kind === 'option').map(({ name }) => name);
  const [first = '', second = ''] = positionals;
  const words = COMMAND_GROUPS.has(first) ? 2 : 1;
  const command = words === 2 ? `${first} ${second}`.trim() : first;
  if (command !== '' && !named.includes('help')) validateOptions(command, named);
  const { values, positionals: all } = parseOptions(args);
  const rest = all.slice(words);
  if (command in COMMANDS && rest.length > (COMMANDS_WITH_ARGUMENT.includes(command) ? 1 : 0))
    throw new CommandError(
      `${command} takes no ${COMMANDS_WITH_ARGUMENT.includes(command) ? 'second argument' : 'argument beside its options'}; ${first === 'groq-key' ? EXPOSED_KEY_ADVICE : 'see groq-rbac --help'}`,
    );
  return { command, values, argument: rest[0] };
}

function validateOptions(command: string, named: readonly string[]): void {
  const takes = COMMANDS[command];
  if (COMMAND_GROUPS.has(command)) {
    const all = Object.keys(COMMANDS).filter((one) => one.startsWith(`${command} `));
    throw new CommandError(`${command} what? The commands are ${all.join(', ')}; see groq-rbac --help`);
  }
  // Not said again: it may be a key, which must not be in a log as well as in the shell's history.
  if (takes === undefined && command.startsWith('groq-key '))
    throw new CommandError(`there is no such groq-key command; see groq-rbac --help; ${EXPOSED_KEY_ADVICE}`);
  if (takes === undefined)
    throw new CommandError(
      `unknown command "${command}"${didYouMean(command, Object.keys(COMMANDS))}; see groq-rbac --help`,
    );
  const foreign = named.find((name) => !(takes as readonly string[]).includes(name));
  if (foreign === undefined) return;
  const all = takes.map((name) => `--${name}`).join(', ');
  const near = nearestWord(foreign, takes);
  const hint = near === undefined ? '.' : `; did you mean --${near}?`;
  throw new CommandError(`--${foreign} is no option of ${command}${hint} It takes ${all}.`);
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new CommandError(`${line.replace(/\.$/, '')}; see groq-rbac --help`, { cause });
  }
}
