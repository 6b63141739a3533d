import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { StoreError } from '../../kernel/store-error.ts';
import type { RotatableSecret, SecretState } from '../secret-rotation.ts';
import { VERSION_LABEL } from '../secret-versions.ts';

/** A kind of secrets: whose one is, by its name, and how a value of it is read. */
export type SecretKind<T> = {
  /** In words, for errors. */
  readonly what: string;
  readonly parseTeam: (name: string) => string | undefined;
  readonly parse: (text: string | undefined) => T | undefined;
};

/** A secret in Secrets Manager that is rotated, of one kind. */
export class RotatedSecret<T> implements RotatableSecret<T> {
  readonly #client: SecretsManagerClient;
  readonly #secretId: string;
  readonly #kind: SecretKind<T>;

  constructor(client: SecretsManagerClient, secretId: string, kind: SecretKind<T>) {
    this.#client = client;
    this.#secretId = secretId;
    this.#kind = kind;
  }

  async state(): Promise<SecretState & { readonly changedAtEpochMs: number }> {
    const found = await this.#try('describe', () =>
      this.#client.send(new DescribeSecretCommand({ SecretId: this.#secretId })),
    );
    const team = this.#kind.parseTeam(found.Name ?? '');
    if (team === undefined) throw new StoreError('secrets', `${found.Name} is no ${this.#kind.what}`);
    const stages = new Map(Object.entries(found.VersionIdsToStages ?? {}));
    const changedAtEpochMs = found.LastChangedDate?.getTime() ?? 0;
    return { team, isRotationEnabled: found.RotationEnabled === true, stages, changedAtEpochMs };
  }

  async read(versionId: string): Promise<T | undefined> {
    try {
      const command = new GetSecretValueCommand({ SecretId: this.#secretId, VersionId: versionId });
      return this.#kind.parse((await this.#client.send(command)).SecretString);
    } catch (cause) {
      // A version that is just being made has no value.
      if (cause instanceof ResourceNotFoundException) return undefined;
      throw new StoreError('secrets', `cannot read a ${this.#kind.what}`, { cause });
    }
  }

  async putPending(versionId: string, value: T): Promise<T> {
    return await this.put(versionId, value, VERSION_LABEL.pending);
  }

  /** Makes a version that bears a label, which leaves any other; returns the value that it has. */
  async put(versionId: string, value: T, label: string): Promise<T> {
    const SecretString = JSON.stringify(value);
    const [SecretId, ClientRequestToken, VersionStages] = [this.#secretId, versionId, [label]];
    try {
      await this.#client.send(new PutSecretValueCommand({ SecretId, ClientRequestToken, VersionStages, SecretString }));
      return value;
    } catch (cause) {
      // A version's value never changes: the same step at the same time has given it one.
      const other = cause instanceof ResourceExistsException ? await this.read(versionId) : undefined;
      if (other === undefined) throw new StoreError('secrets', `cannot write a ${this.#kind.what}`, { cause });
      return other;
    }
  }

  async moveCurrent(to: string, from: string | undefined): Promise<void> {
    const command = new UpdateSecretVersionStageCommand({
      SecretId: this.#secretId,
      VersionStage: VERSION_LABEL.current,
      MoveToVersionId: to,
      ...(from === undefined ? {} : { RemoveFromVersionId: from }),
    });
    await this.#try('move the current version of', () => this.#client.send(command));
  }

  /** Takes a label off a version; a version without any is as good as gone. One that does not bear it stays as it is. */
  async removeLabel(label: string, from: string): Promise<void> {
    const { stages } = await this.state();
    if (stages.get(from)?.includes(label) !== true) return;
    const command = new UpdateSecretVersionStageCommand({
      SecretId: this.#secretId,
      VersionStage: label,
      RemoveFromVersionId: from,
    });
    await this.#try('take a label off', () => this.#client.send(command));
  }

  async #try<R>(what: string, act: () => Promise<R>): Promise<R> {
    try {
      return await act();
    } catch (cause) {
      throw new StoreError('secrets', `cannot ${what} a ${this.#kind.what}`, { cause });
    }
  }
}
