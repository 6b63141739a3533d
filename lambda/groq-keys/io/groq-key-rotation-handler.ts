import middy from '@middy/core';
import type { Context, SecretsManagerRotationEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import type { TeamPolicy } from '../../policy/environment.ts';
import type { Catalog } from '../../pricing/catalog.ts';
import { logRotationStep } from '../../secrets/io/rotation-step-log.ts';
import { toEmfLine } from '../../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../../telemetry/metrics.ts';
import type { GroqKeyNotifier } from '../groq-key-events.ts';
import type { GroqKeyPorts, GroqSecret } from '../groq-key-ports.ts';
import { StagedKeyMissingError } from '../groq-key-source.ts';
import { rotateGroqKey } from '../rotate-groq-key.ts';
import type { ModelLister } from '../watch/read-model-listing.ts';
import type { CatalogNotifier, ReportedDifferences } from '../watch/watch-catalog.ts';
import { runCatalogJob } from './catalog-job.ts';
import { type GroqKeyJob, runGroqKeyJob } from './groq-key-jobs.ts';

const EVENTS = { done: 'groq_rotation_step', failed: 'groq_rotation_failed' };

/** Ports of the function that rotates, watches and retires Groq keys. */
export type GroqKeyRotationPorts = Omit<GroqKeyPorts, 'nowEpochMs' | 'keySourceFor'> & {
  /** Opens a secret by its ARN. */
  readonly secretFor: (secretId: string) => GroqSecret;
  readonly secretForTeam: (team: string) => GroqSecret;
  /** Starts a rotation by the function with this ARN. */
  readonly startRotation: (team: string, functionArn: string) => Promise<void>;
  readonly policies: () => Promise<ReadonlyMap<string, TeamPolicy>>;
  readonly catalog: () => Promise<Catalog | undefined>;
  readonly lister: ModelLister;
  readonly reported: ReportedDifferences;
  readonly notifier: GroqKeyNotifier & CatalogNotifier;
  readonly nowEpochMs: () => number;
  readonly log: Log;
  /** Writes a metric's line to the log. */
  readonly write: (line: string) => void;
};

/** The function's event: a rotation step from Secrets Manager, or a job from a schedule. */
export type GroqKeyRotationEvent = SecretsManagerRotationEvent | { readonly job: GroqKeyJob | 'catalog' };

/**
 * Creates the handler of the one function that writes teams' Groq secrets.
 *
 * @throws RotationError if a rotation step cannot be done; Error naming the teams that a job failed for.
 */
export function createGroqKeyRotationHandler(options: GroqKeyRotationPorts) {
  const { log, write, environmentName, policies } = options;
  const keySourceFor = async (team: string) => (await policies()).get(team)?.groqKeySource ?? 'staged';
  const countMissingKey = (team: string) =>
    write(
      toEmfLine({
        timestampEpochMs: options.nowEpochMs(),
        groups: [{ by: [DIMENSION.environment], metrics: { [METRIC.stagedKeysMissing]: 'Count' } }],
        values: {
          event: 'staged_key_missing',
          team,
          [DIMENSION.environment]: environmentName,
          [METRIC.stagedKeysMissing]: 1,
        },
      }),
    );
  return middy<GroqKeyRotationEvent, void>({ timeoutEarlyInMillis: 0 }).handler(async (event, context: Context) => {
    const ports = { ...options, keySourceFor, nowEpochMs: options.nowEpochMs() };
    if ('job' in event) {
      if (event.job !== 'catalog')
        return await runGroqKeyJob({ ...ports, countMissingKey }, event.job, context.invokedFunctionArn);
      const teams = async () => (await policies()).keys();
      return await runCatalogJob({ ...ports, teams, secretFor: options.secretForTeam });
    }
    await logRotationStep(log, EVENTS, event, async () => {
      try {
        await rotateGroqKey(ports, options.secretFor(event.SecretId), event.Step, event.ClientRequestToken);
      } catch (error) {
        if (error instanceof StagedKeyMissingError) countMissingKey(error.team);
        throw error;
      }
    });
  });
}
