import { existsSync, readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A start that cannot be; the message is the one line a person sees. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** What a person sets of a local gateway. */
export type Settings = {
  readonly json: boolean;
  /** Whether the stack is deployed into an emulator of AWS, instead of its handlers being hosted. */
  readonly aws: boolean;
  readonly port: number;
  readonly environmentFile: string;
  /** What keys and tables are named after. */
  readonly environmentName: string;
  readonly catalogFile: string;
  readonly dataDir: string;
  /** Any DynamoDB instead of the embedded one. */
  readonly dynamodbEndpoint: string | undefined;
  /** Any Secrets Manager instead of the embedded one. */
  readonly secretsEndpoint: string | undefined;
  /** Where the gateway's metrics go; nowhere by default. */
  readonly metricsFile: string | undefined;
  /** Undefined: the fake Groq. */
  readonly upstream: { readonly baseUrl: string; readonly apiKey: string } | undefined;
};

/** The project's own folder. */
export const PROJECT_DIR = resolve(fileURLToPath(import.meta.url), '../..');

const GROQ = 'https://api.groq.com';
const DEFAULT_PORT = '8787';
const HELP = `npm start [-- --json] [-- --aws]

Runs the gateway on 127.0.0.1. --json prints its address and keys as one line of JSON (npm --silent start -- --json
keeps npm's own lines away). --aws deploys the whole stack by cdk into an emulator of AWS on this machine, which needs
Python 3.10 or later; PORT, DATA_DIR, DYNAMODB_ENDPOINT and SECRETS_ENDPOINT have no say there.

  PORT               the port; 0 picks a free one (default ${DEFAULT_PORT})
  ENVIRONMENT        a name in config/environments, or the path of a .ts or .json file (default dev)
  CATALOG            another catalog file (default config/catalog.json)
  DATA_DIR           where the ledger and the keys' seed are kept (default .local)
  GROQ_API_KEY       a Groq key for every team; without one, a fake Groq answers
  GROQ_BASE_URL      another upstream (default ${GROQ})
  DYNAMODB_ENDPOINT  any DynamoDB instead of the embedded one, such as http://127.0.0.1:8000
  SECRETS_ENDPOINT   any Secrets Manager instead of the embedded one, with a secret a team; GROQ_API_KEY is not read then
  METRICS_FILE       a file to which the gateway adds the lines that CloudWatch makes metrics of (default none)`;

/**
 * Reads the command line and the environment variables; relative paths are taken from where npm was called.
 *
 * @throws StartError for what cannot be meant.
 */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings | { help: string } {
  if (args.includes('--help') || args.includes('-h')) return { help: HELP };
  const unknown = args.find((arg) => !['--json', '--aws'].includes(arg));
  if (unknown !== undefined) throw new StartError(`unknown option "${unknown}"; see npm start -- --help`);
  const from = env.INIT_CWD ?? process.cwd();
  const environmentFile = resolveEnvironmentFile(env.ENVIRONMENT || 'dev', from);
  return {
    json: args.includes('--json'),
    aws: args.includes('--aws'),
    port: parsePort(env.PORT || DEFAULT_PORT),
    environmentFile,
    environmentName: toEnvironmentName(environmentFile),
    catalogFile: env.CATALOG ? resolve(from, env.CATALOG) : resolve(PROJECT_DIR, 'config/catalog.json'),
    dataDir: env.DATA_DIR ? resolve(from, env.DATA_DIR) : resolve(PROJECT_DIR, '.local'),
    dynamodbEndpoint: env.DYNAMODB_ENDPOINT ? parseAddress('DYNAMODB_ENDPOINT', env.DYNAMODB_ENDPOINT) : undefined,
    secretsEndpoint: env.SECRETS_ENDPOINT ? parseAddress('SECRETS_ENDPOINT', env.SECRETS_ENDPOINT) : undefined,
    metricsFile: env.METRICS_FILE ? resolve(from, env.METRICS_FILE) : undefined,
    upstream: readUpstream(env),
  };
}

function readUpstream(env: Readonly<Record<string, string | undefined>>): Settings['upstream'] {
  if (!env.GROQ_API_KEY && !env.GROQ_BASE_URL) return undefined;
  const baseUrl = parseAddress('GROQ_BASE_URL', env.GROQ_BASE_URL || GROQ);
  return { baseUrl, apiKey: env.GROQ_API_KEY || 'gsk_none' };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new StartError(`PORT is "${text}"; it must be a number from 0 to 65535`);
  return port;
}

function parseAddress(name: string, text: string): string {
  const address = URL.parse(text);
  if (address === null || !['http:', 'https:'].includes(address.protocol)) {
    throw new StartError(`${name} is "${text}"; it must be an address such as http://127.0.0.1:8000`);
  }
  return text;
}

function resolveEnvironmentFile(environment: string, from: string): string {
  const isPath = environment.includes('/') || /\.(ts|json)$/.test(environment);
  const file = isPath ? resolve(from, environment) : resolve(PROJECT_DIR, `config/environments/${environment}.ts`);
  if (existsSync(file)) return file;
  const known = readdirSync(resolve(PROJECT_DIR, 'config/environments')).map((name) => name.replace(/\.ts$/, ''));
  const hint = isPath ? '' : `; choose ${known.join(', ')}, or the path of a .ts or .json file`;
  throw new StartError(`ENVIRONMENT is "${environment}"; there is no ${file}${hint}`);
}

function toEnvironmentName(environmentFile: string): string {
  const name = basename(environmentFile)
    .replace(/\.(ts|json)$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-');
  return name.slice(0, 32) || 'local';
}
