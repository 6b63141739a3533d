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

/** A kind of secret that every team has one of. */
export type SecretKind<T> = {
  /** The kind's name in error messages. */
  readonly description: string;
  /** Returns the team that a secret belongs to, by the secret's name. */
  readonly parseTeam: (secretName: string) => string | undefined;
  /** Parses a version's text; undefined if it holds no value of this kind. */
  readonly parse: (text: string | undefined) => T | undefined;
};

/** A rotated secret in AWS Secrets Manager. @throws StoreError from every method when Secrets Manager fails. */
export class RotatedSecret<T> implements RotatableSecret<T> {
  readonly #client: SecretsManagerClient;
  readonly #secretId: string;
  readonly #kind: SecretKind<T>;

  constructor(client: SecretsManagerClient, secretId: string, kind: SecretKind<T>) {
    this.#client = client;
    this.#secretId = secretId;
    this.#kind = kind;
  }

  async state(): Promise<SecretState> {
    const found = await this.#try('describe', () =>
      this.#client.send(new DescribeSecretCommand({ SecretId: this.#secretId })),
    );
    const team = this.#kind.parseTeam(found.Name ?? '');
    if (team === undefined) throw new StoreError('secrets', `${found.Name} is no ${this.#kind.description}`);
    const stages = new Map(Object.entries(found.VersionIdsToStages ?? {}));
    const changedAtEpochMs = found.LastChangedDate?.getTime() ?? 0;
    return { team, isRotationEnabled: found.RotationEnabled === true, stages, changedAtEpochMs };
  }

  async read(versionId: string): Promise<T | undefined> {
    try {
      const command = new GetSecretValueCommand({ SecretId: this.#secretId, VersionId: versionId });
      return this.#kind.parse((await this.#client.send(command)).SecretString);
    } catch (cause) {
      // A rotation creates the version before its value.
      if (cause instanceof ResourceNotFoundException) return undefined;
      throw new StoreError('secrets', `cannot read a ${this.#kind.description}`, { cause });
    }
  }

  async put(versionId: string, value: T, label: string): Promise<T> {
    const SecretString = JSON.stringify(value);
    const [SecretId, ClientRequestToken, VersionStages] = [this.#secretId, versionId, [label]];
    try {
      await this.#client.send(new PutSecretValueCommand({ SecretId, ClientRequestToken, VersionStages, SecretString }));
      return value;
    } catch (cause) {
      // A version's value is immutable: a concurrent run of the same step has written it.
      const other = cause instanceof ResourceExistsException ? await this.read(versionId) : undefined;
      if (other === undefined) throw new StoreError('secrets', `cannot write a ${this.#kind.description}`, { cause });
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

  /** Secrets Manager deletes a version in time once it has no label. */
  async removeLabel(label: string, from: string): Promise<void> {
    const { stages } = await this.state();
    if (stages.get(from)?.includes(label) !== true) return;
    const command = new UpdateSecretVersionStageCommand({
      SecretId: this.#secretId,
      VersionStage: label,
      RemoveFromVersionId: from,
    });
    await this.#try('remove a label of', () => this.#client.send(command));
  }

  async #try<R>(operation: string, call: () => Promise<R>): Promise<R> {
    try {
      return await call();
    } catch (cause) {
      throw new StoreError('secrets', `cannot ${operation} a ${this.#kind.description}`, { cause });
    }
  }
}
