import type { SecretsManagerRotationEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';

/** The log events of a rotation step that succeeded and of one that failed. */
export type RotationStepEvents = { readonly done: string; readonly failed: string };

/** Runs one rotation step and logs its outcome. @throws the step's own error, so that Secrets Manager retries it. */
export async function logRotationStep(
  log: Log,
  { done, failed }: RotationStepEvents,
  { Step: step, SecretId: secretId }: SecretsManagerRotationEvent,
  run: () => Promise<void>,
): Promise<void> {
  try {
    await run();
    log(done, { step, secretId });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: '' };
    log(failed, { step, secretId, error: name, message });
    throw error;
  }
}
