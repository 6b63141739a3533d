import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groqSecretName } from '../../lambda/contract.ts';
import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { type Emulator, startEmulator } from '../emulator/emulator.ts';
import { type FakeGroq, startFakeGroq } from '../fake-groq/server.ts';
import { PROJECT_DIR, StartError } from '../settings.ts';
import { type CommandResult, type OutputListener, run } from './run-command.ts';

/** Name of the environment that a rehearsal deploys. */
export const REHEARSAL_ENVIRONMENT = 'rehearsal';
/** The only Groq key that the rehearsal's fake Groq accepts at first. */
const GROQ_KEY = 'gsk_rehearsal';

/** An emulated AWS account and a fake Groq on this machine, with the commands that people use on real ones. */
export type RehearsalAccount = {
  readonly emulator: Emulator;
  readonly fake: FakeGroq;
  /** The emulator's log, with every line that the functions write. */
  readonly logFile: string;
  /** Folder for files of the rehearsal, removed at its end. */
  readonly folder: string;
  /** Writes the environment file that cdk deploys. */
  setEnvironment(content: EnvironmentFile): void;
  /** Runs the CDK's command line with `context` as -c options. */
  cdk(args: readonly string[], context?: Readonly<Record<string, string>>): Promise<CommandResult>;
  /** Runs a Node script with the account's environment variables, and others. */
  runNode(args: readonly string[], variables?: Readonly<Record<string, string>>): Promise<CommandResult>;
  /** Runs groq-rbac. */
  groqRbac(args: readonly string[]): Promise<CommandResult>;
  /**
   * Creates a gateway key by groq-rbac keys create.
   *
   * @throws StartError if no key is printed.
   */
  createKey(...options: readonly string[]): Promise<string>;
  /** Stores a Groq key in the secret of each team. */
  setGroqKeys(teams: readonly string[], groqKey?: string): Promise<void>;
  /** Returns the outputs of the last deployment. */
  outputs(): Readonly<Record<string, string>>;
  close(): Promise<void>;
};

/**
 * Starts the account, with nothing deployed in it.
 *
 * @throws StartError with one line if there is no Python, or the emulator does not start.
 */
export async function startRehearsalAccount(onOutput: OutputListener): Promise<RehearsalAccount> {
  const emulator = await startEmulator({ enforceIam: true });
  const { folder, logFile } = emulator;
  const fake = await startFakeGroq({ acceptedKeys: new Set([GROQ_KEY]), chunkIntervalMs: 2 });
  const environmentFile = join(folder, `${REHEARSAL_ENVIRONMENT}.json`);
  const outputsFile = join(folder, 'outputs.json');
  // cdk starts the app as `node`, which must be this Node.
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const env = { ...process.env, ...emulator.environment, PATH: path };
  const cdkContext = {
    environmentFile,
    cliCredentials: 'true',
    endpoint: emulator.apiUrl('{api}', '{stage}'),
  };
  const runNode: RehearsalAccount['runNode'] = async (args, variables = {}) =>
    await run(process.execPath, args, { ...env, ...variables }, onOutput);
  const groqRbac: RehearsalAccount['groqRbac'] = async (args) =>
    await runNode([join(PROJECT_DIR, 'bin/groq-rbac.ts'), ...args]);
  return {
    emulator,
    fake,
    logFile,
    folder,
    setEnvironment: (content) => writeFileSync(environmentFile, JSON.stringify(content)),
    cdk: async (args, context = {}) => {
      const contexts = Object.entries({ ...cdkContext, ...context }).flatMap(([name, value]) => [
        '-c',
        `${name}=${value}`,
      ]);
      const isDeploy = args[0] === 'deploy';
      return await runNode([
        join(PROJECT_DIR, 'node_modules/aws-cdk/bin/cdk'),
        ...args,
        ...contexts,
        '--output',
        join(folder, 'cdk.out'),
        '--no-notices',
        ...(isDeploy ? ['--require-approval', 'never', '--outputs-file', outputsFile] : []),
      ]);
    },
    runNode,
    groqRbac,
    createKey: async (...options) => {
      const { code, output } = await groqRbac(['keys', 'create', '--env', REHEARSAL_ENVIRONMENT, ...options]);
      const key = /^grk_\S+$/m.exec(output)?.[0];
      if (code !== 0 || key === undefined) throw new StartError(`groq-rbac keys create printed no key: ${output}`);
      return key;
    },
    setGroqKeys: async (teams, groqKey = GROQ_KEY) => await setGroqKeys(emulator, teams, groqKey),
    outputs: () => readOutputs(outputsFile),
    async close() {
      await emulator.close();
      await fake.close();
    },
  };
}

function readOutputs(file: string): Readonly<Record<string, string>> {
  const all = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string>>;
  const outputs = all[`groq-gateway-${REHEARSAL_ENVIRONMENT}`];
  if (outputs === undefined) throw new StartError(`the deployment of ${REHEARSAL_ENVIRONMENT} has no outputs`);
  return outputs;
}

async function setGroqKeys(emulator: Emulator, teams: readonly string[], apiKey: string): Promise<void> {
  const client = new SecretsManagerClient(emulator.clientConfig);
  const SecretString = JSON.stringify({ apiKey });
  for (const team of teams)
    await client.send(
      new PutSecretValueCommand({ SecretId: groqSecretName(team, REHEARSAL_ENVIRONMENT), SecretString }),
    );
  client.destroy();
}
