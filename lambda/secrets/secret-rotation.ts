import { VERSION_LABEL, type VersionLabels } from './secret-versions.ts';

/** What Secrets Manager asks of a rotation function; it may ask for each step again. */
export type RotationStep = 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';

/** One secret, as its versions stand. */
export type SecretState = {
  readonly team: string;
  readonly isRotationEnabled: boolean;
  readonly stages: VersionLabels;
};

/** A secret that is rotated; its versions hold values of one kind. */
export interface RotatableSecret<T> {
  state(): Promise<SecretState>;
  /** What a version holds, or undefined when that is no such value: nothing yet, or the placeholder of a new secret. */
  read(versionId: string): Promise<T | undefined>;
  /** Gives the pending version its value; returns the one it has, which is another's when that came first. */
  putPending(versionId: string, value: T): Promise<T>;
  moveCurrent(to: string, from: string | undefined): Promise<void>;
}

/** A rotation that cannot go on; Secrets Manager tries the step again, and says so where the secret is described. */
export class RotationError extends Error {
  override readonly name: string = 'RotationError';
}

/**
 * How the version that a rotation is about stands: current when the rotation has been finished before.
 *
 * @throws RotationError for a version that is not the one being rotated, as AWS documents.
 */
export function rotationState({ isRotationEnabled, stages }: SecretState, token: string): 'current' | 'pending' {
  const labels = stages.get(token);
  if (!isRotationEnabled) throw new RotationError('the secret is not set to be rotated');
  if (labels === undefined) throw new RotationError('the secret has no such version');
  if (labels.includes(VERSION_LABEL.current)) return 'current';
  if (!labels.includes(VERSION_LABEL.pending))
    throw new RotationError('the version is not the pending one: another took its place');
  return 'pending';
}
