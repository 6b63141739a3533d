import { InvalidRequestException } from '@aws-sdk/client-secrets-manager';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import { notFound, SecretVersions } from './secret-versions.ts';

const ARN_PREFIX = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:';

/** A secret of the local Secrets Manager, with the responses of the actions that read it. */
export class LocalSecret {
  readonly name: string;
  readonly versions = new SecretVersions();
  changedAtEpochMs: number;
  readonly #description: string | undefined;

  constructor(name: string, description: string | undefined, nowEpochMs: number) {
    this.name = name;
    this.#description = description;
    this.changedAtEpochMs = nowEpochMs;
  }

  /** Secrets Manager ends each ARN with six characters of its own. */
  get arn(): string {
    return `${ARN_PREFIX}${this.name}-LOCAL1`;
  }

  get identifiers(): { readonly ARN: string; readonly Name: string } {
    return { ARN: this.arn, Name: this.name };
  }

  describe(isRotatable: boolean): object {
    const labelled = this.versions.all().map(({ id }) => [id, this.versions.labelsFor(id)] as const);
    return {
      ...this.identifiers,
      Description: this.#description,
      RotationEnabled: isRotatable,
      LastChangedDate: new Date(this.changedAtEpochMs),
      VersionIdsToStages: Object.fromEntries(labelled.filter(([, labels]) => labels.length > 0)),
    };
  }

  list(includesDeprecated: boolean): object {
    const versions = this.versions.all().map(({ id, createdAtEpochMs }) => ({
      VersionId: id,
      VersionStages: this.versions.labelsFor(id),
      CreatedDate: new Date(createdAtEpochMs),
    }));
    return {
      ...this.identifiers,
      Versions: versions.filter(({ VersionStages }) => includesDeprecated || VersionStages.length > 0),
    };
  }

  /**
   * Returns a version's value. The version is given by its id, by its label, or by both; it is the current one by default.
   *
   * @throws ResourceNotFoundException if there is no such version, or it has no value yet.
   * @throws InvalidRequestException if the label is on another version.
   */
  read(versionId: string | undefined, versionLabel: string | undefined): object {
    const label = versionLabel ?? (versionId === undefined ? VERSION_LABEL.current : undefined);
    const labelled = label === undefined ? undefined : this.versions.versionIdFor(label);
    if (versionId !== undefined && label !== undefined && this.versions.version(versionId).id !== labelled) {
      const message = 'You provided a VersionStage that is not associated to the provided VersionId.';
      throw new InvalidRequestException({ message, $metadata: {} });
    }
    const missing = `Secrets Manager can't find the specified secret value for staging label: ${label}`;
    const id = versionId ?? labelled;
    if (id === undefined) throw notFound(missing);
    const { text, createdAtEpochMs } = this.versions.version(id);
    if (text === undefined)
      throw notFound(label === undefined ? `Secrets Manager can't find a value of ${id}` : missing);
    return {
      ...this.identifiers,
      VersionId: id,
      SecretString: text,
      VersionStages: this.versions.labelsFor(id),
      CreatedDate: new Date(createdAtEpochMs),
    };
  }
}

/** Returns the name in a SecretId, which is a name or an ARN. */
export function secretName(secretId: string): string {
  return secretId.startsWith(ARN_PREFIX) ? secretId.slice(ARN_PREFIX.length).replace(/-[^-]{6}$/, '') : secretId;
}
