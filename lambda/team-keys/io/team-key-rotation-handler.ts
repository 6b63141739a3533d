import middy from '@middy/core';
import type { SecretsManagerRotationEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import { rotateServiceKey, type ServiceRotationPorts, type ServiceSecret } from '../rotate-service-key.ts';

/** What the rotation function needs of the world. */
export type TeamKeyRotationPorts = Omit<ServiceRotationPorts, 'secret' | 'nowEpochMs'> & {
  readonly secretFor: (secretId: string) => ServiceSecret;
  readonly nowEpochMs: () => number;
  readonly log: Log;
};

/** Makes the function that Secrets Manager calls, step by step, to rotate the key of a team's services. */
export function createTeamKeyRotationHandler({ secretFor, nowEpochMs, log, ...ports }: TeamKeyRotationPorts) {
  return middy<SecretsManagerRotationEvent, void>({ timeoutEarlyInMillis: 0 }).handler(async (event) => {
    const { Step: step, SecretId: secretId, ClientRequestToken: token } = event;
    try {
      await rotateServiceKey({ ...ports, secret: secretFor(secretId), nowEpochMs: nowEpochMs() }, step, token);
      log('rotation_step', { step, secretId });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: 'unknown', message: '' };
      log('rotation_failed', { step, secretId, error: name, message });
      throw error;
    }
  });
}
