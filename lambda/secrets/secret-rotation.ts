import { findVersion, VERSION_LABEL, type VersionLabels } from './secret-versions.ts';

/** A step that Secrets Manager asks of a rotation function; it may repeat any of them. */
export type RotationStep = 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';

/** The metadata of one secret. */
export type SecretState = {
  readonly team: string;
  readonly isRotationEnabled: boolean;
  readonly stages: VersionLabels;
  /** The last change of a version or a label. */
  readonly changedAtEpochMs: number;
};

/** A secret that is rotated; its versions hold values of one kind. */
export interface RotatableSecret<T> {
  state(): Promise<SecretState>;
  /** Returns a version's value; undefined if it has none yet, or holds the placeholder of a new secret. */
  read(versionId: string): Promise<T | undefined>;
  /** Creates a version with a label. Returns the version's value: another writer's, if that one was first. */
  put(versionId: string, value: T, label: string): Promise<T>;
  moveCurrent(to: string, from: string | undefined): Promise<void>;
  /** Removes a label from a version. No effect if the version does not have it. */
  removeLabel(label: string, from: string): Promise<void>;
}

/** A rotation that cannot continue. Secrets Manager shows the message with the secret and retries the step. */
export class RotationError extends Error {
  override readonly name: string = 'RotationError';
}

/** The steps of one kind of rotation. Each is idempotent, also after a crash between any two writes. */
export type RotationSteps = {
  readonly create: () => Promise<void>;
  readonly test: () => Promise<unknown>;
  readonly finish: () => Promise<void>;
  /** Does what is left of `finish` once the new version is current. */
  readonly complete: () => Promise<void>;
};

/**
 * Runs one step of rotating a secret to the version `token`. A version that is already current needs no step but the
 * rest of the last one; `setSecret` has nothing to do, since a key is valid as soon as it exists.
 *
 * @throws RotationError if the version is not the one being rotated, as AWS requires.
 */
export async function runRotationStep(
  state: SecretState,
  step: RotationStep,
  token: string,
  { create, test, finish, complete }: RotationSteps,
): Promise<void> {
  if (isCurrentVersion(state, token)) {
    if (step === 'finishSecret') await complete();
    return;
  }
  if (step === 'createSecret') await create();
  if (step === 'testSecret') await test();
  if (step === 'finishSecret') await finish();
}

/** @throws RotationError if the version is neither current nor pending. */
function isCurrentVersion({ isRotationEnabled, stages }: SecretState, token: string): boolean {
  const labels = stages.get(token);
  if (!isRotationEnabled) throw new RotationError('the secret is not set to be rotated');
  if (labels === undefined) throw new RotationError('the secret has no such version');
  if (labels.includes(VERSION_LABEL.current)) return true;
  if (!labels.includes(VERSION_LABEL.pending))
    throw new RotationError('the version is not the pending one: another took its place');
  return false;
}

/** Returns the value of the version that has a label. */
export async function readLabelled<T>(
  secret: Pick<RotatableSecret<T>, 'read'>,
  stages: VersionLabels,
  label: string,
): Promise<T | undefined> {
  const versionId = findVersion(stages, label);
  return versionId === undefined ? undefined : await secret.read(versionId);
}

/** Returns the value of the pending version. @throws RotationError if it has none. */
export async function readPending<T>(secret: Pick<RotatableSecret<T>, 'read'>, token: string): Promise<T> {
  const pending = await secret.read(token);
  if (pending === undefined) throw new RotationError('the pending version holds no key');
  return pending;
}
