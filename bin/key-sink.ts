import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CommandError } from './command-error.ts';

/** The destination of a new key; standard output by default. */
export type SinkOptions = {
  readonly outFile: string | undefined;
  readonly secret: string | undefined;
  readonly local: boolean;
};

/** A destination for one new key. */
export type KeySink = {
  /** The name to show; undefined for standard output. */
  readonly destination: string | undefined;
  /** Writes the key. */
  store(key: string): Promise<void>;
  /** Removes what was prepared when no key was created. */
  discard(): void;
};

/**
 * Opens the destination before the key is created, so that a wrong name loses no key.
 *
 * @throws CommandError when it cannot be written.
 */
export function openSink({ outFile, secret, local }: SinkOptions): KeySink {
  if (outFile !== undefined && secret !== undefined) throw new CommandError('specify --out-file or --secret, not both');
  if (outFile !== undefined) return openFile(outFile);
  if (secret === undefined) return { destination: undefined, store: async () => {}, discard: () => {} };
  if (local) throw new CommandError('--secret needs AWS; with --local, use --out-file');
  return {
    destination: `the secret ${secret}`,
    store: async (key) => await writeSecret(secret, key),
    discard: () => {},
  };
}

function openFile(outFile: string): KeySink {
  let file: number;
  try {
    // Never overwrites: the existing file may hold a key in use.
    file = openSync(outFile, 'wx', 0o600);
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const reason = exists ? 'exists already; choose another file' : 'cannot be written';
    throw new CommandError(`${outFile} ${reason}`, { cause });
  }
  return {
    destination: outFile,
    store: async (key) => {
      writeSync(file, `${key}\n`);
      closeSync(file);
    },
    discard: () => {
      closeSync(file);
      rmSync(outFile, { force: true });
    },
  };
}

async function writeSecret(name: string, SecretString: string): Promise<void> {
  const client = new SecretsManagerClient({});
  try {
    await client.send(new PutSecretValueCommand({ SecretId: name, SecretString }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    await client.send(new CreateSecretCommand({ Name: name, SecretString }));
  }
}
