import middy from '@middy/core';
import type { Context, SecretsManagerRotationEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import type { TeamPolicy } from '../../policy/environment.ts';
import { toEmfLine } from '../../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../../telemetry/metrics.ts';
import type { GroqKeyPorts, GroqSecret } from '../groq-key-ports.ts';
import { StagedKeyMissingError } from '../groq-key-source.ts';
import { rotateGroqKey } from '../rotate-groq-key.ts';
import { type GroqKeyJob, runGroqKeyJob } from './groq-key-jobs.ts';

/** What the function of Groq keys needs of the world. */
export type GroqKeyRotationPorts = Omit<GroqKeyPorts, 'nowEpochMs' | 'keySourceFor'> & {
  /** A secret by its ARN, and a team's own. */
  readonly secretFor: (secretId: string) => GroqSecret;
  readonly secretForTeam: (team: string) => GroqSecret;
  /** Lets Secrets Manager begin a rotation by the function of this ARN. */
  readonly startRotation: (team: string, functionArn: string) => Promise<void>;
  readonly policies: () => Promise<ReadonlyMap<string, TeamPolicy>>;
  readonly nowEpochMs: () => number;
  readonly log: Log;
  /** Takes one line for the log. */
  readonly write: (line: string) => void;
};

/** What calls the function: Secrets Manager, step by step, or a schedule, by the name of its job. */
export type GroqKeyRotationEvent = SecretsManagerRotationEvent | { readonly job: GroqKeyJob };

/**
 * Makes the one function that writes teams' Groq secrets: it rotates them as Secrets Manager asks, and watches and retires
 * keys by schedule.
 *
 * @throws RotationError of a step that cannot be done; Error naming the teams whose keys could not be looked after.
 */
export function createGroqKeyRotationHandler(options: GroqKeyRotationPorts) {
  const { log, write, environmentName, policies } = options;
  const keySourceFor = async (team: string) => (await policies()).get(team)?.groqKeySource ?? 'staged';
  const missing = (team: string) => {
    const groups = [{ by: [DIMENSION.environment], metrics: { [METRIC.stagedKeysMissing]: 'Count' as const } }];
    const values = { event: 'staged_key_missing', team, [DIMENSION.environment]: environmentName };
    write(
      toEmfLine({
        timestampEpochMs: options.nowEpochMs(),
        groups,
        values: { ...values, [METRIC.stagedKeysMissing]: 1 },
      }),
    );
  };
  return middy<GroqKeyRotationEvent, void>({ timeoutEarlyInMillis: 0 }).handler(async (event, context: Context) => {
    const ports = { ...options, keySourceFor, nowEpochMs: options.nowEpochMs() };
    if ('job' in event) return await runGroqKeyJob({ ...ports, missing }, event.job, context.invokedFunctionArn);
    const { Step: step, SecretId: secretId, ClientRequestToken: token } = event;
    try {
      await rotateGroqKey(ports, options.secretFor(secretId), step, token);
      log('groq_rotation_step', { step, secretId });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: 'unknown', message: '' };
      if (error instanceof StagedKeyMissingError) missing(error.team);
      log('groq_rotation_failed', { step, secretId, error: name, message });
      throw error;
    }
  });
}
