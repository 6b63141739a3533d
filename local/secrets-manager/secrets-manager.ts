import { randomUUID } from 'node:crypto';
import {
  InvalidRequestException,
  ResourceExistsException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import { invalid, notFound, SecretVersions } from './secret-versions.ts';

/** What a rotation function is called with. */
export type RotationEvent = { readonly Step: string; readonly SecretId: string; readonly ClientRequestToken: string };

/** A request as it is sent: its fields by AWS's names. */
export type SecretsRequest = { readonly [field: string]: unknown };

export type LocalSecretsManagerOptions = {
  /** @default the machine's clock */
  readonly nowEpochMs?: () => number;
  /** What RotateSecret calls, a step at a time, until one throws. @default no secret can be rotated */
  readonly rotate?: (event: RotationEvent) => Promise<unknown>;
};

type Secret = {
  readonly name: string;
  readonly description: string | undefined;
  readonly versions: SecretVersions;
  changedAtEpochMs: number;
};

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:';

/**
 * Secrets Manager in memory, with AWS's rules of versions and labels: what `npm start` keeps Groq keys in, and what tests
 * rotate. Errors are the SDK's own.
 */
export class LocalSecretsManager {
  readonly #secrets = new Map<string, Secret>();
  readonly #nowEpochMs: () => number;
  readonly #rotate: LocalSecretsManagerOptions['rotate'];
  /** How often each action was asked for. */
  readonly requestCounts: Record<string, number> = {};
  readonly #actions: Readonly<Record<string, (request: SecretsRequest) => object>> = {
    CreateSecret: (request) => this.#create(request),
    DescribeSecret: (request) => this.#describe(this.#findSecret(request)),
    GetSecretValue: (request) => this.#read(request),
    ListSecretVersionIds: (request) => this.#list(request),
    PutSecretValue: (request) => this.#put(request),
    RotateSecret: (request) => this.#begin(request),
    UpdateSecretVersionStage: (request) => this.#move(request),
  };

  constructor(options: LocalSecretsManagerOptions = {}) {
    this.#nowEpochMs = options.nowEpochMs ?? Date.now;
    this.#rotate = options.rotate;
  }

  /** As a client of the SDK's, without a network. */
  get client(): SecretsManagerClient {
    const send = async (command: { readonly input: SecretsRequest }) =>
      this.handle(command.constructor.name.replace(/Command$/, ''), command.input);
    return { send, destroy: () => {} } as unknown as SecretsManagerClient;
  }

  /**
   * Answers one request.
   *
   * @throws the SDK's exceptions, as AWS would.
   */
  handle(action: string, request: SecretsRequest): object {
    this.requestCounts[action] = (this.requestCounts[action] ?? 0) + 1;
    const answer = this.#actions[action];
    if (answer === undefined) throw invalid(`${action} is not an action of this Secrets Manager.`);
    return answer(request);
  }

  #create(request: SecretsRequest): object {
    const name = toText(request.Name) ?? '';
    if (this.#secrets.has(name)) {
      const message = `The operation failed because the secret ${name} already exists.`;
      throw new ResourceExistsException({ message, $metadata: {} });
    }
    const secret = {
      name,
      description: toText(request.Description),
      versions: new SecretVersions(),
      changedAtEpochMs: this.#nowEpochMs(),
    };
    this.#secrets.set(name, secret);
    const text = toText(request.SecretString);
    if (text === undefined) return toIdentifiers(secret);
    const id = toText(request.ClientRequestToken) ?? randomUUID();
    secret.versions.put(id, text, [VERSION_LABEL.current], this.#nowEpochMs());
    return { ...toIdentifiers(secret), VersionId: id };
  }

  #describe(secret: Secret): object {
    const labelled = secret.versions.all().flatMap(({ id }) => {
      const labels = secret.versions.labelsFor(id);
      return labels.length === 0 ? [] : [[id, labels]];
    });
    return {
      ...toIdentifiers(secret),
      Description: secret.description,
      RotationEnabled: this.#rotate !== undefined,
      LastChangedDate: new Date(secret.changedAtEpochMs),
      VersionIdsToStages: Object.fromEntries(labelled),
    };
  }

  #list(request: SecretsRequest): object {
    const secret = this.#findSecret(request);
    const versions = secret.versions.all().map(({ id, createdAtEpochMs }) => ({
      VersionId: id,
      VersionStages: secret.versions.labelsFor(id),
      CreatedDate: new Date(createdAtEpochMs),
    }));
    const isDeprecatedToo = request.IncludeDeprecated === true;
    return {
      ...toIdentifiers(secret),
      Versions: versions.filter(({ VersionStages }) => isDeprecatedToo || VersionStages.length > 0),
    };
  }

  #read(request: SecretsRequest): object {
    const secret = this.#findSecret(request);
    const { versions } = secret;
    const asked = toText(request.VersionId);
    const label = toText(request.VersionStage) ?? (asked === undefined ? VERSION_LABEL.current : undefined);
    const holder = label === undefined ? undefined : versions.versionIdFor(label);
    const missing = `Secrets Manager can't find the specified secret value for staging label: ${label}`;
    if (asked !== undefined && label !== undefined && versions.version(asked).id !== holder) {
      const message = 'You provided a VersionStage that is not associated to the provided VersionId.';
      throw new InvalidRequestException({ message, $metadata: {} });
    }
    const id = asked ?? holder;
    if (id === undefined) throw notFound(missing);
    const { text, createdAtEpochMs } = versions.version(id);
    if (text === undefined)
      throw notFound(label === undefined ? `Secrets Manager can't find a value of ${id}` : missing);
    const CreatedDate = new Date(createdAtEpochMs);
    return {
      ...toIdentifiers(secret),
      VersionId: id,
      SecretString: text,
      VersionStages: versions.labelsFor(id),
      CreatedDate,
    };
  }

  #put(request: SecretsRequest): object {
    const secret = this.#findSecret(request);
    const id = toText(request.ClientRequestToken) ?? randomUUID();
    const stages = Array.isArray(request.VersionStages) ? request.VersionStages.map(String) : [];
    const labels = stages.length === 0 ? [VERSION_LABEL.current] : stages;
    secret.versions.put(id, toText(request.SecretString) ?? '', labels, this.#nowEpochMs());
    secret.changedAtEpochMs = this.#nowEpochMs();
    return { ...toIdentifiers(secret), VersionId: id, VersionStages: secret.versions.labelsFor(id) };
  }

  #move(request: SecretsRequest): object {
    const secret = this.#findSecret(request);
    const [to, from] = [toText(request.MoveToVersionId), toText(request.RemoveFromVersionId)];
    secret.versions.move(toText(request.VersionStage) ?? '', to, from);
    secret.changedAtEpochMs = this.#nowEpochMs();
    return toIdentifiers(secret);
  }

  /** Begins a rotation; the steps follow by themselves, and the first that throws is the last. */
  #begin(request: SecretsRequest): object {
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
    const steps = async () => {
      for (const Step of STEPS) await rotate({ Step, SecretId: localSecretArn(secret), ClientRequestToken: id });
    };
    steps().catch((error: unknown) => console.error(`rotation of ${secret.name}: ${error}`));
    return { ...toIdentifiers(secret), VersionId: id };
  }

  #findSecret(request: SecretsRequest): Secret {
    const id = toText(request.SecretId) ?? '';
    const secret = this.#secrets.get(id.startsWith(ARN) ? id.slice(ARN.length).replace(/-[^-]{6}$/, '') : id);
    if (secret === undefined) throw notFound("Secrets Manager can't find the specified secret.");
    return secret;
  }
}

/** Secrets Manager ends each ARN with six characters of its own. */
function localSecretArn({ name }: Secret): string {
  return `${ARN}${name}-LOCAL1`;
}

function toIdentifiers(secret: Secret): { readonly ARN: string; readonly Name: string } {
  return { ARN: localSecretArn(secret), Name: secret.name };
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
