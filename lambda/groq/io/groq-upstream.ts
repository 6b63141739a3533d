import type { Clock, Log } from '../../kernel/clock.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import { isKeyAccepted, nextStep } from '../retry-step.ts';
import type { ChatCall, TracedUpstreamResponse, Upstream } from '../upstream.ts';
import { GroqClient, type GroqClientOptions } from './groq-client.ts';
import type { CallFailure } from './groq-errors.ts';
import type { GroqKeys } from './groq-keys.ts';
import { KeyAttempts } from './key-attempts.ts';
import { MalformedSecret, type StoredGroqKey } from './team-groq-keys.ts';

const DEADLINE_EXCEEDED = [
  'groq_unavailable',
  'Groq had no answer before the deadline. Nothing was billed; try again.',
] as const;
const SECRET_UNREADABLE = [
  'gateway_unavailable',
  "The team's Groq key could not be read just now, and nothing was sent to Groq. Try again.",
  { retryAfterMs: 1_000 },
] as const;

/** Groq's API with the team's own key, and retries within the call's deadline. */
export class GroqUpstream implements Upstream {
  readonly #client: GroqClient;
  readonly #keys: GroqKeys;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(options: GroqClientOptions & { readonly keys: GroqKeys; readonly log: Log }) {
    this.#client = new GroqClient(options);
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  async chat(call: ChatCall): Promise<TracedUpstreamResponse> {
    const { team, canary, deadlineEpochMs } = call;
    const [clock, log] = [this.#clock, this.#log];
    const keys = new KeyAttempts({ team, keys: this.#keys.of(team), canary, clock, log, deadlineEpochMs });
    const first = await this.#readFirstKey(team, keys);
    if ('reason' in first) return { kind: 'rejected', refusal: first };
    return await this.#sendWithRetries(call, keys, first);
  }

  async #sendWithRetries(call: ChatCall, keys: KeyAttempts, first: StoredGroqKey): Promise<TracedUpstreamResponse> {
    let key = first;
    let [sends, waitedMs] = [1, 0];
    for (;;) {
      const leftMs = call.deadlineEpochMs - this.#clock.nowEpochMs();
      if (leftMs <= 0) return { kind: 'rejected', refusal: refuse(...DEADLINE_EXCEEDED), groqKeys: keys.trace(false) };
      const outcome = await this.#client.send(call, key.apiKey, leftMs);
      const isAccepted = isKeyAccepted(outcome.kind);
      if (isAccepted) keys.recordAccepted();
      if (outcome.kind === 'accepted') return { ...outcome.response, groqKeys: keys.trace(true) };
      const step = nextStep(outcome, { sends, waitedMs, leftMs }, this.#clock.random());
      if (step.kind === 'wait') {
        await this.#clock.sleep(step.ms);
        waitedMs += step.ms;
        sends++;
        continue;
      }
      const otherKey = step.kind === 'switch_key' ? await keys.nextAfterRefusal() : undefined;
      if (otherKey === undefined) {
        this.#logFailure(call.team, outcome, sends);
        return { ...outcome.response, groqKeys: keys.trace(isAccepted) };
      }
      key = otherKey;
    }
  }

  #logFailure(team: string, { response, status, cause }: CallFailure, tries: number): void {
    this.#log('groq_request_failed', { team, reason: response.refusal.reason, status: status ?? 0, tries, cause });
  }

  /** The first key to send with, or a refusal if the team has none or it cannot be read. Operators see which in the log. */
  async #readFirstKey(team: string, keys: KeyAttempts): Promise<StoredGroqKey | Refusal> {
    try {
      const key = await keys.next();
      if (key !== undefined) return key;
      this.#log('groq_key_missing', { team });
    } catch (error) {
      this.#log('groq_key_unreadable', { team, error: error instanceof Error ? error.message : 'unknown' });
      if (!(error instanceof MalformedSecret)) return refuse(...SECRET_UNREADABLE);
    }
    return refuse('groq_key_missing', `Team "${team}" has no Groq key yet. An operator must set it.`);
  }
}
