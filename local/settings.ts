import { existsSync, readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSendableKey } from '../lambda/groq/groq-key-versions.ts';

/** A start that failed for an expected reason. The message is one line for the terminal. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Settings of a local gateway. */
export type Settings = {
  readonly json: boolean;
  /** Deploys the stack into an emulated AWS, instead of hosting its handlers in this process. */
  readonly aws: boolean;
  readonly port: number;
  readonly environmentFile: string;
  /** Name in keys and table names: the file's name. */
  readonly environmentName: string;
  readonly catalogFile: string;
  readonly dataDir: string;
  /** Endpoint of another DynamoDB. @default the embedded one */
  readonly dynamodbEndpoint: string | undefined;
  /** Endpoint of another Secrets Manager. @default the embedded one */
  readonly secretsEndpoint: string | undefined;
  /** File for the gateway's metrics. @default none */
  readonly metricsFile: string | undefined;
  /** @default the fake Groq */
  readonly upstream: { readonly baseUrl: string; readonly apiKey: string } | undefined;
};

/** Absolute path of the project. */
export const PROJECT_DIR = resolve(fileURLToPath(import.meta.url), '../..');

const GROQ = 'https://api.groq.com';
const DEFAULT_PORT = '8787';
const HELP = `npm start [-- --json] [-- --aws]

Runs the gateway on 127.0.0.1.
  --json  prints its address and keys as one line of JSON; npm --silent start -- --json hides npm's own output
  --aws   deploys the whole stack by cdk into an emulated AWS on this machine, which needs Python 3.10 or later;
          PORT, DATA_DIR, DYNAMODB_ENDPOINT and SECRETS_ENDPOINT have no effect

  PORT               the port; 0 picks a free one (default ${DEFAULT_PORT})
  ENVIRONMENT        a name in config/environments, or the path of a .ts or .json file (default dev)
  CATALOG            another catalog file (default config/catalog.json)
  DATA_DIR           folder of the database and the keys' seed (default .local)
  GROQ_API_KEY       a Groq key for every team; without one, a fake Groq answers
  GROQ_BASE_URL      another upstream (default ${GROQ})
  DYNAMODB_ENDPOINT  any DynamoDB instead of the embedded one, such as http://127.0.0.1:8000
  SECRETS_ENDPOINT   any Secrets Manager instead of the embedded one, with a secret per team; GROQ_API_KEY is ignored
  METRICS_FILE       a file to which the gateway appends its metrics, as lines of CloudWatch's EMF (default none)`;

/**
 * Reads the command line and the environment variables. Relative paths start at the folder where npm was called.
 *
 * @throws StartError for an invalid option or value.
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
  const apiKey = env.GROQ_API_KEY?.trim() || 'gsk_none';
  if (!isSendableKey(apiKey))
    throw new StartError('GROQ_API_KEY has a space, a line break or another character that no Groq key has');
  return { baseUrl, apiKey };
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
