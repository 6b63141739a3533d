import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groqSecretName } from '../../lambda/contract.ts';
import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { type Emulator, startEmulator } from '../emulator/emulator.ts';
import { type FakeGroq, startFakeGroq } from '../fake-groq/server.ts';
import { PROJECT_DIR, StartError } from '../settings.ts';

/** The environment that is rehearsed. */
export const REHEARSAL_ENVIRONMENT = 'rehearsal';
/** The only Groq key that the fake Groq of a rehearsal takes. */
const GROQ_KEY = 'gsk_rehearsal';

/** How a command ended, and all it printed. */
export type CommandResult = { readonly code: number | null; readonly output: string };

/** An AWS account and a Groq on this machine, with the tools that a person uses on real ones. */
export type RehearsalAccount = {
  readonly emulator: Emulator;
  readonly fake: FakeGroq;
  /** What the emulator logs, with every line that the functions write. */
  readonly logFile: string;
  /** For files of this rehearsal; goes with it. */
  readonly folder: string;
  /** Makes the environment the one that cdk sees. */
  setEnvironment(content: EnvironmentFile): void;
  /** Runs the CDK's own command line; `context` is passed by -c. */
  cdk(args: readonly string[], context?: Readonly<Record<string, string>>): Promise<CommandResult>;
  /** Runs the project's own command line. */
  groqRbac(args: readonly string[]): Promise<CommandResult>;
  /** Puts a Groq key into the secret of each team, as an operator does. */
  setGroqKeys(teams: readonly string[], groqKey?: string): Promise<void>;
  /** Outputs of the stack after its last deployment. */
  outputs(): Readonly<Record<string, string>>;
  close(): Promise<void>;
};

/** What is told of a command while it runs. */
export type OutputListener = (line: string) => void;

/**
 * Starts both; nothing is deployed yet.
 *
 * @throws StartError with one line when there is no Python, or the emulator does not start.
 */
export async function startRehearsalAccount(onOutput: OutputListener): Promise<RehearsalAccount> {
  const emulator = await startEmulator({ enforceIam: true });
  const { folder, logFile } = emulator;
  const fake = await startFakeGroq({ acceptedKeys: new Set([GROQ_KEY]), chunkIntervalMs: 2 });
  const environmentFile = join(folder, `${REHEARSAL_ENVIRONMENT}.json`);
  const outputsFile = join(folder, 'outputs.json');
  // cdk starts the app by the name of `node`, which must be this one.
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const env = { ...process.env, ...emulator.environment, PATH: path };
  const cdkContext = {
    environmentFile,
    cliCredentials: 'true',
    endpoint: emulator.apiUrl('{api}', '{stage}'),
  };
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
      return await run(
        process.execPath,
        [
          join(PROJECT_DIR, 'node_modules/aws-cdk/bin/cdk'),
          ...args,
          ...contexts,
          '--output',
          join(folder, 'cdk.out'),
          '--no-notices',
          ...(isDeploy ? ['--require-approval', 'never', '--outputs-file', outputsFile] : []),
        ],
        env,
        onOutput,
      );
    },
    groqRbac: async (args) =>
      await run(process.execPath, [join(PROJECT_DIR, 'bin/groq-rbac.ts'), ...args], env, onOutput),
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
  if (outputs === undefined) throw new StartError(`the deployment of ${REHEARSAL_ENVIRONMENT} has left no outputs`);
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

/** Runs a command to its end and keeps what it prints, both streams as they come. */
export async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onOutput: OutputListener,
): Promise<CommandResult> {
  const child = spawn(command, args, { cwd: PROJECT_DIR, env, stdio: ['ignore', 'pipe', 'pipe'] });
  // An interrupted rehearsal leaves no command behind.
  const end = () => child.kill();
  process.once('exit', end);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
      onOutput(text);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => process.off('exit', end));
  return { code, output };
}
