import type { Clock, Log } from '../../kernel/clock.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import { CircuitBreaker, isOutage } from '../circuit-breaker.ts';
import { RetryBudget } from '../retry-budget.ts';
import { isKeyAccepted, nextStep } from '../retry-step.ts';
import type { ChatCall, TracedUpstreamResponse, Upstream } from '../upstream.ts';
import { GroqClient, type GroqClientOptions, type SendOutcome } from './groq-client.ts';
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
  readonly #breaker = new CircuitBreaker();
  readonly #retries = new RetryBudget();

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
    const open = this.#breaker.admit(readModel(call), clock.nowEpochMs());
    if (open !== undefined) return { kind: 'rejected', refusal: refuseOpen(readModel(call), open.retryAfterMs) };
    this.#retries.recordCall();
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
      this.#recordOutcome(readModel(call), outcome);
      if (outcome.kind === 'accepted') return { ...outcome.response, groqKeys: keys.trace(true) };
      const step = nextStep(outcome, { sends, waitedMs, leftMs }, this.#clock.random());
      if (step.kind === 'wait' && this.#mayRetry(call)) {
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

  #mayRetry(call: ChatCall): boolean {
    return this.#breaker.isClosed(readModel(call)) && this.#retries.take();
  }

  #recordOutcome(model: string, outcome: SendOutcome): void {
    const isDown = outcome.kind !== 'accepted' && isOutage(outcome.status);
    const change = this.#breaker.record(model, isDown, this.#clock.nowEpochMs());
    if (change !== undefined) this.#log(change, { model });
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

function readModel({ body }: ChatCall): string {
  return typeof body.model === 'string' ? body.model : '';
}

function refuseOpen(model: string, retryAfterMs: number): Refusal {
  const message = `Groq has failed every recent call of ${model}, so the gateway sends only a test call now and then. Nothing was sent or billed; try again in ${Math.ceil(retryAfterMs / 1000)} s.`;
  return refuse('groq_unavailable', message, { retryAfterMs });
}
