import middy from '@middy/core';
import type { SecretsManagerRotationEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import { logRotationStep } from '../../secrets/io/rotation-step-log.ts';
import { rotateServiceKey, type ServiceRotationPorts, type ServiceSecret } from '../rotate-service-key.ts';

const EVENTS = { done: 'rotation_step', failed: 'rotation_failed' };

/** Ports of the function that rotates service keys. */
export type TeamKeyRotationPorts = Omit<ServiceRotationPorts, 'secret' | 'nowEpochMs'> & {
  readonly secretFor: (secretId: string) => ServiceSecret;
  readonly nowEpochMs: () => number;
  readonly log: Log;
};

/** Creates the handler that Secrets Manager calls for each step of rotating a team's service key. */
export function createTeamKeyRotationHandler({ secretFor, nowEpochMs, log, ...ports }: TeamKeyRotationPorts) {
  return middy<SecretsManagerRotationEvent, void>({ timeoutEarlyInMillis: 0 }).handler(async (event) => {
    await logRotationStep(log, EVENTS, event, async () => {
      const secret = secretFor(event.SecretId);
      await rotateServiceKey({ ...ports, secret, nowEpochMs: nowEpochMs() }, event.Step, event.ClientRequestToken);
    });
  });
}
