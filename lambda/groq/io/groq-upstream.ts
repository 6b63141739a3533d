import Groq from 'groq-sdk';
import { normalizeBaseUrl } from '../../contract.ts';
import type { Clock, Log } from '../../kernel/clock.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import type { RateLimitObserver } from '../rate-limit-reading.ts';
import type { TracedUpstreamResponse, Upstream, UpstreamHeaders, UpstreamResponse } from '../upstream.ts';
import { resetConnectionPool } from './connection-pool.ts';
import { parseRetryAfterMs, responseFromError } from './groq-errors.ts';
import type { GroqKeys } from './groq-keys.ts';
import { parseRateLimitHeaders, parseRateLimitRefusal } from './groq-limits.ts';
import { KeyAttempts } from './key-attempts.ts';
import { splitSseEvents } from './sse-events.ts';
import { MalformedSecret, type StoredGroqKey } from './team-groq-keys.ts';

/** Statuses by which Groq says "not now": its rate limit, no capacity, and not available. */
const RETRYABLE_STATUSES: readonly number[] = [429, 498, 503];
/** The most times one call is sent. */
const MAX_TRIES = 4;
/** The first pause between tries, in milliseconds; each further one is twice as long, and a random part of it is taken. */
const INITIAL_RETRY_DELAY_MS = 250;
/** How long a call may spend on pauses in all, in milliseconds: clients give up after 60 s and waiting costs money. */
const MAX_TOTAL_DELAY_MS = 10_000;

/** How long connections may idle and still be trusted, in milliseconds: less than any server keeps them. */
const MAX_IDLE_CONNECTION_MS = 3_000;

/** Upstream headers that a client may use. */
const FORWARDED_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'content-type',
  'x-request-id': 'x-groq-request-id',
  'x-groq-region': 'x-groq-region',
};

const DEADLINE_EXCEEDED = [
  'groq_unavailable',
  'Groq had no answer before the deadline. Nothing was billed; try again.',
] as const;
const SECRET_UNREADABLE = [
  'gateway_unavailable',
  "The team's Groq key could not be read just now, and nothing was sent to Groq. Try again.",
  { retryAfterMs: 1_000 },
] as const;

type ChatCall = Parameters<Upstream['chat']>[0];

/** Groq's API by groq-sdk, with the team's own key, and retries of our own within the call's deadline. */
export class GroqUpstream implements Upstream {
  readonly #client: Groq;
  readonly #keys: GroqKeys;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: RateLimitObserver;
  #lastUsedEpochMs = 0;

  constructor(options: {
    baseUrl: string | undefined;
    keys: GroqKeys;
    clock: Clock;
    log: Log;
    limits: RateLimitObserver;
  }) {
    this.#client = new Groq({
      // The real key is the team's, and goes with each request.
      apiKey: 'per-request',
      // The SDK adds /openai/v1 to each path; an address written with it means the same.
      ...(options.baseUrl === undefined ? {} : { baseURL: normalizeBaseUrl(options.baseUrl) }),
      maxRetries: 0,
      logLevel: 'off',
    });
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#limits = options.limits;
  }

  async chat(call: ChatCall): Promise<TracedUpstreamResponse> {
    const { team, canary, deadlineEpochMs } = call;
    const [clock, log] = [this.#clock, this.#log];
    const tries = new KeyAttempts({ team, keys: this.#keys.of(team), canary, clock, log, deadlineEpochMs });
    const first = await this.#readFirstKey(team, tries);
    if ('reason' in first) return { kind: 'rejected', refusal: first };
    return await this.#sendWithRetries(call, tries, first);
  }

  async #sendWithRetries(call: ChatCall, tries: KeyAttempts, first: StoredGroqKey): Promise<TracedUpstreamResponse> {
    let key = first;
    let pausedMs = 0;
    for (let sent = 1; ; ) {
      const leftMs = call.deadlineEpochMs - this.#clock.nowEpochMs();
      if (leftMs <= 0) return { kind: 'rejected', refusal: refuse(...DEADLINE_EXCEEDED), groqKeys: tries.trace(false) };
      try {
        const answer = await this.#send(call, key.apiKey, leftMs);
        tries.taken();
        return { ...answer, groqKeys: tries.trace(true) };
      } catch (error) {
        const status = error instanceof Groq.APIError ? error.status : undefined;
        if (error instanceof Groq.APIError)
          this.#observeRateLimits(call.body.model, error.headers, status, error.message);
        const other = status === 401 ? await tries.nextAfterRefusal() : undefined;
        if (other !== undefined) {
          key = other;
          continue;
        }
        const answer = responseFromError(error);
        const wasAccepted = status !== 401 && (status !== undefined || answer.kind === 'lost');
        if (wasAccepted) tries.taken();
        const retryDelayMs = this.#retryDelayMs(error, sent);
        if (
          status === undefined ||
          !RETRYABLE_STATUSES.includes(status) ||
          sent >= MAX_TRIES ||
          pausedMs + retryDelayMs > Math.min(MAX_TOTAL_DELAY_MS, leftMs)
        ) {
          const { reason } = answer.refusal;
          const facts = {
            team: call.team,
            reason,
            status: status ?? 0,
            tries: sent,
            cause: connectionErrorCode(error),
          };
          this.#log('groq_request_failed', facts);
          return { ...answer, groqKeys: tries.trace(wasAccepted) };
        }
        pausedMs += retryDelayMs;
        sent++;
        await this.#clock.sleep(retryDelayMs);
      }
    }
  }

  async #send(call: ChatCall, key: string, leftMs: number): Promise<UpstreamResponse> {
    // A timer of our own, cleared at the end: a signal that lives to the deadline would keep each answer in memory so long.
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), leftMs);
    let isStreaming = false;
    const nowEpochMs = this.#clock.nowEpochMs();
    if (nowEpochMs - this.#lastUsedEpochMs > MAX_IDLE_CONNECTION_MS) resetConnectionPool();
    this.#lastUsedEpochMs = nowEpochMs;
    try {
      const response = await this.#client
        .post('/openai/v1/chat/completions', {
          body: call.body,
          headers: { Authorization: `Bearer ${key}` },
          timeout: leftMs,
          signal: deadline.signal,
        })
        .asResponse();
      this.#observeRateLimits(call.body.model, response.headers);
      const headers = forwardHeaders(response.headers);
      if (response.body !== null && headers['content-type']?.startsWith('text/event-stream')) {
        isStreaming = true;
        return {
          kind: 'stream',
          events: withCleanup(splitSseEvents(response.body), () => clearTimeout(timer)),
          headers,
        };
      }
      return { kind: 'complete', body: await response.text(), headers };
    } finally {
      if (!isStreaming) clearTimeout(timer);
    }
  }

  #observeRateLimits(model: unknown, headers: Headers | undefined, status?: number, message = ''): void {
    if (headers === undefined || typeof model !== 'string') return;
    const reading = status === 429 ? parseRateLimitRefusal(headers, message) : parseRateLimitHeaders(headers);
    const isServed = status === undefined ? { isServed: true } : {};
    this.#limits.observe(model, { ...reading, ...isServed }, this.#clock.nowEpochMs());
  }

  /** Groq's own wish, or a random part of a pause that doubles: many callers must not come back at once. */
  #retryDelayMs(error: unknown, tries: number): number {
    const wished = error instanceof Groq.APIError ? parseRetryAfterMs(error.headers) : undefined;
    return wished ?? INITIAL_RETRY_DELAY_MS * 2 ** (tries - 1) * (0.5 + this.#clock.random() / 2);
  }

  /** The key to begin with, or why there is none: nothing has been sent, and the operators are told which it was. */
  async #readFirstKey(team: string, tries: KeyAttempts): Promise<StoredGroqKey | Refusal> {
    try {
      const key = await tries.next();
      if (key !== undefined) return key;
      this.#log('groq_key_missing', { team });
    } catch (error) {
      this.#log('groq_key_unreadable', { team, error: error instanceof Error ? error.message : 'unknown' });
      const isMalformed = error instanceof MalformedSecret;
      if (!isMalformed) return refuse(...SECRET_UNREADABLE);
    }
    return refuse('groq_key_missing', `Team "${team}" has no Groq key yet. An operator must set it.`);
  }
}

/** The code of a connection's failure, for operators; never a message, which may quote what was sent. */
function connectionErrorCode(error: unknown): string {
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : cause instanceof Error ? cause.name : '';
}

async function* withCleanup(events: AsyncIterable<Uint8Array>, ended: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* events;
  } finally {
    ended();
  }
}

function forwardHeaders(headers: Headers): UpstreamHeaders {
  const passed: Record<string, string> = {};
  for (const [theirs, ours] of Object.entries(FORWARDED_HEADERS)) {
    const value = headers.get(theirs);
    if (value !== null) passed[ours] = value;
  }
  return passed;
}
