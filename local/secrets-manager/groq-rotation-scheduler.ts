import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { GroqKeyJob } from '../../lambda/groq-keys/io/groq-key-jobs.ts';
import type { GroqKeyRotationEvent } from '../../lambda/groq-keys/io/groq-key-rotation-handler.ts';
import { createLocalGroqRotation, type LocalGroqRotationProps } from './local-groq-rotation.ts';
import type { RotationEvent } from './secrets-manager.ts';

/** As often as deployed, in milliseconds. */
const WATCH_INTERVAL_MS = 300_000;
const RETIREMENT_INTERVAL_MS = 86_400_000;

/** Rotations of Groq keys on this machine: the Secrets Manager is there before the tables that the function needs. */
export class GroqRotationScheduler {
  /** Of this process; undefined where another's is used, which rotates itself. */
  secrets: SecretsManagerClient | undefined;
  #run: ReturnType<typeof createLocalGroqRotation> | undefined;

  /** One step, as Secrets Manager tells it. */
  async rotate(event: RotationEvent): Promise<void> {
    if (this.#run === undefined) throw new Error('the gateway has not started yet');
    // Secrets Manager tells no other steps than these.
    await this.#run(event as GroqKeyRotationEvent);
  }

  /** From now on keys can be rotated, and are watched and retired; returns how to end that. */
  begin(props: Omit<LocalGroqRotationProps, 'secrets' | 'notify'>): () => void {
    const { secrets } = this;
    if (secrets === undefined) return () => {};
    this.#run = createLocalGroqRotation({ ...props, secrets, notify: (line) => console.error(line) });
    const every = (ms: number, job: GroqKeyJob) => {
      // What fails is tried again the next time.
      const run = () => void this.#run?.({ job }).catch(() => undefined);
      return setInterval(run, ms).unref();
    };
    const timers = [every(WATCH_INTERVAL_MS, 'watch'), every(RETIREMENT_INTERVAL_MS, 'retire')];
    return () => {
      for (const timer of timers) clearInterval(timer);
    };
  }
}
