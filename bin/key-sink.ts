import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CommandError } from './deployment.ts';

/** Where a new key is to go; standard output if neither is named. */
export type SinkOptions = {
  readonly outFile: string | undefined;
  readonly secret: string | undefined;
  readonly local: boolean;
};

/** A place for one new key. */
export type KeySink = {
  /** In words; undefined for standard output. */
  readonly destination: string | undefined;
  /** Puts the key there. */
  store(key: string): Promise<void>;
  /** Takes back what was prepared for a key that did not come. */
  discard(): void;
};

/**
 * Opens the place for a new key before there is one, so that a mistake in its name costs no key.
 *
 * @throws CommandError when it cannot be written.
 */
export function openSink({ outFile, secret, local }: SinkOptions): KeySink {
  if (outFile !== undefined && secret !== undefined) throw new CommandError('name --out-file or --secret, not both');
  if (outFile !== undefined) return intoFile(outFile);
  if (secret === undefined) return { destination: undefined, store: async () => {}, discard: () => {} };
  if (local) throw new CommandError('--secret is for AWS; with --local, name --out-file');
  return {
    destination: `the secret ${secret}`,
    store: async (key) => await intoSecret(secret, key),
    discard: () => {},
  };
}

function intoFile(outFile: string): KeySink {
  let file: number;
  try {
    // Never over another: what it holds may be in use.
    file = openSync(outFile, 'wx', 0o600);
  } catch (cause) {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new CommandError(`${outFile} ${isThere ? 'is there already; name another file' : 'cannot be written'}`, {
      cause,
    });
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

async function intoSecret(name: string, SecretString: string): Promise<void> {
  const client = new SecretsManagerClient({});
  try {
    await client.send(new PutSecretValueCommand({ SecretId: name, SecretString }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    await client.send(new CreateSecretCommand({ Name: name, SecretString }));
  }
}
