import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { teamOfServiceSecret } from '../contract.ts';
import { isObject } from '../core/chat-request.ts';
import type { SecretState, ServiceKey, ServiceSecret } from '../core/rotate-service-key.ts';

/** Secrets Manager failed, or the secret is not one of a team's services. */
export class ServiceSecretError extends Error {
  override readonly name = 'ServiceSecretError';
}

/** The secret that a team's services read their key from, in Secrets Manager. */
export class TeamServiceSecret implements ServiceSecret {
  readonly #client: SecretsManagerClient;
  readonly #secretId: string;
  readonly #environmentName: string;

  constructor(client: SecretsManagerClient, secretId: string, environmentName: string) {
    this.#client = client;
    this.#secretId = secretId;
    this.#environmentName = environmentName;
  }

  async state(): Promise<SecretState> {
    const found = await this.#try('describe', () =>
      this.#client.send(new DescribeSecretCommand({ SecretId: this.#secretId })),
    );
    const team = teamOfServiceSecret(found.Name ?? '', this.#environmentName);
    if (team === undefined) throw new ServiceSecretError(`${found.Name} is no secret of a team's services`);
    const stages = new Map(Object.entries(found.VersionIdsToStages ?? {}));
    return { team, isRotated: found.RotationEnabled === true, stages };
  }

  async read(versionId: string): Promise<ServiceKey | undefined> {
    try {
      const command = new GetSecretValueCommand({ SecretId: this.#secretId, VersionId: versionId });
      return serviceKeyOf((await this.#client.send(command)).SecretString);
    } catch (cause) {
      // A version that is just being made has no value.
      if (cause instanceof ResourceNotFoundException) return undefined;
      throw new ServiceSecretError("cannot read the secret of a team's services", { cause });
    }
  }

  async putPending(versionId: string, key: ServiceKey): Promise<ServiceKey> {
    const SecretString = JSON.stringify(key);
    const [SecretId, ClientRequestToken, VersionStages] = [this.#secretId, versionId, ['AWSPENDING']];
    try {
      await this.#client.send(new PutSecretValueCommand({ SecretId, ClientRequestToken, VersionStages, SecretString }));
      return key;
    } catch (cause) {
      // A version's value never changes: the same step at the same time has given it one.
      const other = cause instanceof ResourceExistsException ? await this.read(versionId) : undefined;
      if (other === undefined) throw new ServiceSecretError("cannot write the secret of a team's services", { cause });
      return other;
    }
  }

  async moveCurrent(to: string, from: string | undefined): Promise<void> {
    const command = new UpdateSecretVersionStageCommand({
      SecretId: this.#secretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: to,
      ...(from === undefined ? {} : { RemoveFromVersionId: from }),
    });
    await this.#try('move the current version of', () => this.#client.send(command));
  }

  async #try<T>(what: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      throw new ServiceSecretError(`cannot ${what} the secret of a team's services`, { cause });
    }
  }
}

function serviceKeyOf(text: string | undefined): ServiceKey | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { apiKey, keyId, name, createdAt } = value;
  const isKey =
    typeof apiKey === 'string' &&
    typeof keyId === 'string' &&
    typeof name === 'string' &&
    typeof createdAt === 'string';
  return isKey ? { apiKey, keyId, name, createdAt } : undefined;
}
