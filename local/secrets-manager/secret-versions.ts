import {
  InvalidParameterException,
  LimitExceededException,
  ResourceExistsException,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';

/** A version of a secret. It has no text while a rotation has created it but not set its value. */
export type SecretVersion = { readonly id: string; readonly createdAtEpochMs: number; text?: string };

/** Limit of labels on all versions of a secret together (Secrets Manager quotas, read 2026-11-25). */
const MAX_LABELS = 20;

/** Versions of a secret and their labels, with the AWS rules that rotations depend on. */
export class SecretVersions {
  readonly #versions = new Map<string, SecretVersion>();
  readonly #holders = new Map<string, string>();

  /** Returns all versions, including those without a label. */
  all(): readonly SecretVersion[] {
    return [...this.#versions.values()];
  }

  /** Returns the labels of a version. A version without labels is deprecated. */
  labelsFor(id: string): readonly string[] {
    return [...this.#holders].flatMap(([label, holder]) => (holder === id ? [label] : []));
  }

  /** @throws ResourceNotFoundException if there is no such version. */
  version(id: string): SecretVersion {
    const version = this.#versions.get(id);
    if (version === undefined)
      throw notFound(`Secrets Manager can't find the specified secret value for VersionId: ${id}`);
    return version;
  }

  versionIdFor(label: string): string | undefined {
    return this.#holders.get(label);
  }

  /** Creates a pending version without a value, as a rotation does. */
  begin(id: string, nowEpochMs: number): void {
    if (!this.#versions.has(id)) this.#versions.set(id, { id, createdAtEpochMs: nowEpochMs });
    this.#attach([VERSION_LABEL.pending], id);
  }

  /**
   * Sets a version's value, which can never change, and attaches labels. Idempotent.
   *
   * @throws ResourceExistsException if the version has another value.
   */
  put(id: string, text: string, labels: readonly string[], nowEpochMs: number): void {
    const found = this.#versions.get(id);
    if (found?.text !== undefined) {
      if (found.text === text) return;
      const message = `You can't use ClientRequestToken ${id} because that value is already in use for a version of the secret.`;
      throw new ResourceExistsException({ message, $metadata: {} });
    }
    // The first version always becomes the current one, whatever its labels.
    const isFirst = this.#holders.get(VERSION_LABEL.current) === undefined && this.#versions.size === 0;
    const wanted = isFirst ? [...new Set([...labels, VERSION_LABEL.current])] : labels;
    this.#checkRoom(wanted);
    this.#versions.set(id, { id, createdAtEpochMs: nowEpochMs, text });
    this.#attach(wanted, id);
  }

  /**
   * Moves, attaches or removes a label.
   *
   * @throws InvalidParameterException if the label is not on the version `from`.
   */
  move(label: string, to: string | undefined, from: string | undefined): void {
    if (to !== undefined) this.version(to);
    const holder = this.#holders.get(label);
    if (holder !== undefined && holder === to) return;
    if (from !== holder) {
      const where = holder === undefined ? 'not attached to any version' : `attached to version ${holder}`;
      throw invalid(`The parameter RemoveFromVersionId must be the version that has it: ${label} is ${where}.`);
    }
    if (to === undefined) {
      if (label === VERSION_LABEL.current)
        throw invalid(`You can only move staging label ${label} to a different secret version. It can't be removed.`);
      this.#holders.delete(label);
      return;
    }
    this.#checkRoom([label]);
    this.#attach([label], to);
  }

  /** A label is on one version at a time. The formerly current version becomes the previous one. */
  #attach(labels: readonly string[], id: string): void {
    for (const label of labels) {
      const before = this.#holders.get(label);
      this.#holders.set(label, id);
      if (label === VERSION_LABEL.current && before !== undefined && before !== id)
        this.#holders.set(VERSION_LABEL.previous, before);
    }
  }

  #checkRoom(labels: readonly string[]): void {
    if (new Set([...this.#holders.keys(), ...labels]).size <= MAX_LABELS) return;
    const message = `You can't have more than ${MAX_LABELS} staging labels on a secret.`;
    throw new LimitExceededException({ message, $metadata: {} });
  }
}

/** Creates AWS's error for a missing secret or version. */
export function notFound(message: string): ResourceNotFoundException {
  return new ResourceNotFoundException({ message, $metadata: {} });
}

/** Creates AWS's error for an invalid parameter. */
export function invalid(message: string): InvalidParameterException {
  return new InvalidParameterException({ message, $metadata: {} });
}
