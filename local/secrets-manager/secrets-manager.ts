import { randomUUID } from 'node:crypto';
import {
  InvalidRequestException,
  ResourceExistsException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import { LocalSecret, secretName } from './local-secret.ts';
import { invalid, notFound } from './secret-versions.ts';

/** Event of a rotation function. */
export type RotationEvent = { readonly Step: string; readonly SecretId: string; readonly ClientRequestToken: string };

/** Input of an action, with AWS's field names. */
export type SecretsRequest = { readonly [field: string]: unknown };

/** Options of the local Secrets Manager. */
export type LocalSecretsManagerOptions = {
  /** @default the system clock */
  readonly nowEpochMs?: () => number;
  /** Rotation function of all secrets, called for each step until one throws. @default no secret can be rotated */
  readonly rotate?: (event: RotationEvent) => Promise<unknown>;
};

const ROTATION_STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

/**
 * A Secrets Manager in memory with AWS's rules of versions and labels, for `npm start` and for tests of rotations. Its
 * errors are the SDK's.
 */
export class LocalSecretsManager {
  readonly #secrets = new Map<string, LocalSecret>();
  readonly #nowEpochMs: () => number;
  readonly #rotate: LocalSecretsManagerOptions['rotate'];
  /** Number of requests by action. */
  readonly requestCounts: Record<string, number> = {};
  readonly #actions: Readonly<Record<string, (request: SecretsRequest) => object>> = {
    CreateSecret: (request) => this.#create(request),
    DescribeSecret: (request) => this.#findSecret(request).describe(this.#rotate !== undefined),
    GetSecretValue: (request) =>
      this.#findSecret(request).read(toText(request.VersionId), toText(request.VersionStage)),
    ListSecretVersionIds: (request) => this.#findSecret(request).list(request.IncludeDeprecated === true),
    PutSecretValue: (request) => this.#put(request),
    RotateSecret: (request) => this.#startRotation(request),
    UpdateSecretVersionStage: (request) => this.#moveLabel(request),
  };

  constructor(options: LocalSecretsManagerOptions = {}) {
    this.#nowEpochMs = options.nowEpochMs ?? Date.now;
    this.#rotate = options.rotate;
  }

  /** A client of the SDK that calls this object without a network. */
  get client(): SecretsManagerClient {
    const send = async (command: { readonly input: SecretsRequest }) =>
      this.handle(command.constructor.name.replace(/Command$/, ''), command.input);
    return { send, destroy: () => {} } as unknown as SecretsManagerClient;
  }

  /**
   * Executes one action.
   *
   * @throws the SDK's exceptions, as AWS would.
   */
  handle(action: string, request: SecretsRequest): object {
    this.requestCounts[action] = (this.requestCounts[action] ?? 0) + 1;
    const execute = this.#actions[action];
    if (execute === undefined) throw invalid(`${action} is not an action of this Secrets Manager.`);
    return execute(request);
  }

  #create(request: SecretsRequest): object {
    const name = toText(request.Name) ?? '';
    if (this.#secrets.has(name)) {
      const message = `The operation failed because the secret ${name} already exists.`;
      throw new ResourceExistsException({ message, $metadata: {} });
    }
    const secret = new LocalSecret(name, toText(request.Description), this.#nowEpochMs());
    this.#secrets.set(name, secret);
    const text = toText(request.SecretString);
    if (text === undefined) return secret.identifiers;
    const id = toText(request.ClientRequestToken) ?? randomUUID();
    secret.versions.put(id, text, [VERSION_LABEL.current], this.#nowEpochMs());
    return { ...secret.identifiers, VersionId: id };
  }

  #put(request: SecretsRequest): object {
    const secret = this.#findSecret(request);
    const id = toText(request.ClientRequestToken) ?? randomUUID();
    const stages = Array.isArray(request.VersionStages) ? request.VersionStages.map(String) : [];
    const labels = stages.length === 0 ? [VERSION_LABEL.current] : stages;
    secret.versions.put(id, toText(request.SecretString) ?? '', labels, this.#nowEpochMs());
    secret.changedAtEpochMs = this.#nowEpochMs();
    return { ...secret.identifiers, VersionId: id, VersionStages: secret.versions.labelsFor(id) };
  }

  #moveLabel(request: SecretsRequest): object {
    const secret = this.#findSecret(request);
    const [to, from] = [toText(request.MoveToVersionId), toText(request.RemoveFromVersionId)];
    secret.versions.move(toText(request.VersionStage) ?? '', to, from);
    secret.changedAtEpochMs = this.#nowEpochMs();
    return secret.identifiers;
  }

  /** Creates the pending version and returns. The steps run asynchronously until one throws. */
  #startRotation(request: SecretsRequest): object {
    const secret = this.#findSecret(request);
    const { versions } = secret;
    const rotate = this.#rotate;
    if (rotate === undefined) throw invalid('No Lambda rotation function ARN is associated with this secret.');
    const pending = versions.versionIdFor(VERSION_LABEL.pending);
    const id = toText(request.ClientRequestToken) ?? randomUUID();
    if (pending !== undefined && pending !== id && pending !== versions.versionIdFor(VERSION_LABEL.current)) {
      const message = "A previous rotation isn't complete. That rotation will be reattempted.";
      throw new InvalidRequestException({ message, $metadata: {} });
    }
    versions.begin(id, this.#nowEpochMs());
    secret.changedAtEpochMs = this.#nowEpochMs();
    const runSteps = async () => {
      for (const Step of ROTATION_STEPS) await rotate({ Step, SecretId: secret.arn, ClientRequestToken: id });
    };
    runSteps().catch((error: unknown) => console.error(`rotation of ${secret.name}: ${error}`));
    return { ...secret.identifiers, VersionId: id };
  }

  #findSecret(request: SecretsRequest): LocalSecret {
    const secret = this.#secrets.get(secretName(toText(request.SecretId) ?? ''));
    if (secret === undefined) throw notFound("Secrets Manager can't find the specified secret.");
    return secret;
  }
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
