import { mapInBatches } from '../../kernel/batches.ts';
import type { Log } from '../../kernel/clock.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import type { TeamPolicy } from '../../policy/environment.ts';
import type { GroqKeyPorts, GroqSecret } from '../groq-key-ports.ts';
import { retireGroqKeys } from '../retire-groq-keys.ts';
import { watchGroqKey } from '../watch/watch-groq-keys.ts';

/** A scheduled job. */
export type GroqKeyJob = 'watch' | 'retire';

/** Ports of the scheduled jobs. */
export type GroqKeyJobPorts = GroqKeyPorts & {
  readonly secretForTeam: (team: string) => GroqSecret;
  readonly startRotation: (team: string, functionArn: string) => Promise<void>;
  readonly policies: () => Promise<ReadonlyMap<string, TeamPolicy>>;
  readonly log: Log;
  /** Writes the metric of an alarm: a team needs a rotation and has no staged key. */
  readonly countMissingKey: (team: string) => void;
};

/** The maximum number of teams processed concurrently. */
const TEAM_CONCURRENCY = 8;

/**
 * Runs a job for every team.
 *
 * @throws Error naming the teams that it failed for, after it has run for all others.
 */
export async function runGroqKeyJob(ports: GroqKeyJobPorts, job: GroqKeyJob, functionArn: string): Promise<void> {
  const failed: string[] = [];
  // The deployment check's own team never calls Groq and has no secret.
  const policies = [...(await ports.policies()).values()].filter(({ team }) => team !== CANARY_TEAM);
  await mapInBatches(policies, TEAM_CONCURRENCY, async (policy) => {
    try {
      await (job === 'watch' ? watch : retire)(ports, policy, functionArn);
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: 'unknown', message: '' };
      ports.log('groq_key_job_failed', { job, team: policy.team, error: name, message });
      failed.push(policy.team);
    }
  });
  if (failed.length > 0) throw new Error(`could not ${job} the Groq keys of ${failed.join(', ')}`);
}

async function watch(ports: GroqKeyJobPorts, policy: TeamPolicy, functionArn: string): Promise<void> {
  const secretFor = ports.secretForTeam;
  const startRotation = async (team: string) => await ports.startRotation(team, functionArn);
  const done = await watchGroqKey({ ...ports, secretFor, startRotation }, policy);
  if (done === 'staged key missing') ports.countMissingKey(policy.team);
  if (done !== 'not due') ports.log('groq_key_checked', { team: policy.team, done });
}

async function retire(ports: GroqKeyJobPorts, { team }: TeamPolicy): Promise<void> {
  const { retired, inUse, toDelete } = await retireGroqKeys(ports, ports.secretForTeam(team), team);
  for (const { keyId } of retired) ports.log('groq_key_retired', { team, groqKeyId: keyId });
  for (const { keyId } of inUse) ports.log('groq_key_still_in_use', { team, groqKeyId: keyId });
  for (const { keyId } of toDelete) ports.log('groq_key_deletion_pending', { team, groqKeyId: keyId });
}
