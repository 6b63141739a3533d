import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { GroqKeyJob } from '../../lambda/groq-keys/io/groq-key-jobs.ts';
import type { GroqKeyRotationEvent } from '../../lambda/groq-keys/io/groq-key-rotation-handler.ts';
import { createLocalGroqRotation, type LocalGroqRotationProps } from './local-groq-rotation.ts';
import type { RotationEvent } from './secrets-manager.ts';

/** The deployed intervals, in milliseconds. */
const WATCH_INTERVAL_MS = 300_000;
const RETIREMENT_INTERVAL_MS = 86_400_000;

/**
 * Schedules the rotation of Groq keys on this machine. It exists before the tables do, because Secrets Manager starts first
 * and needs a rotation function; rotations work after {@link begin}.
 */
export class GroqRotationScheduler {
  /** The Secrets Manager of this process; undefined if an external one is used, which runs its own rotations. */
  secrets: SecretsManagerClient | undefined;
  #run: ReturnType<typeof createLocalGroqRotation> | undefined;

  /** Runs one step of a rotation. */
  async rotate(event: RotationEvent): Promise<void> {
    if (this.#run === undefined) throw new Error('the gateway has not started yet');
    // Secrets Manager sends the four steps of GroqKeyRotationEvent only.
    await this.#run(event as GroqKeyRotationEvent);
  }

  /** Starts the jobs that watch and retire keys. Returns a function that stops them. */
  begin(props: Omit<LocalGroqRotationProps, 'secrets' | 'notify'>): () => void {
    const { secrets } = this;
    if (secrets === undefined) return () => {};
    this.#run = createLocalGroqRotation({ ...props, secrets, notify: (line) => console.error(line) });
    const every = (ms: number, job: GroqKeyJob) => {
      // A failed job is retried by the next run.
      const run = () => void this.#run?.({ job }).catch(() => undefined);
      return setInterval(run, ms).unref();
    };
    const timers = [every(WATCH_INTERVAL_MS, 'watch'), every(RETIREMENT_INTERVAL_MS, 'retire')];
    return () => {
      for (const timer of timers) clearInterval(timer);
    };
  }
}
