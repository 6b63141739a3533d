import Groq from 'groq-sdk';
import { apiAddress } from '../../contract.ts';
import type { Clock, Log } from '../../kernel/clock.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import type { LimitWatch } from '../limit-watch.ts';
import type { TracedAnswer, Upstream, UpstreamAnswer, UpstreamHeaders } from '../upstream.ts';
import { openFreshConnections } from './fresh-connections.ts';
import { answerOfError, retryAfterMsOf } from './groq-errors.ts';
import { KeyTries } from './groq-key-tries.ts';
import type { GroqKeys } from './groq-keys.ts';
import { limitsOfHeaders, limitsOfRefusal } from './groq-limits.ts';
import { sseEvents } from './sse-events.ts';
import { type HeldKey, MalformedSecret } from './team-groq-keys.ts';

/** Statuses by which Groq says "not now": its rate limit, no capacity, and not available. */
const NOT_NOW: readonly number[] = [429, 498, 503];
/** The most times one call is sent. */
const MAX_TRIES = 4;
/** The first pause between tries, in milliseconds; each further one is twice as long, and a random part of it is taken. */
const FIRST_PAUSE_MS = 250;
/** How long a call may spend on pauses in all, in milliseconds: clients give up after 60 s and waiting costs money. */
const MAX_PAUSES_MS = 10_000;

/** How long connections may idle and still be trusted, in milliseconds: less than any server keeps them. */
const TRUST_IDLE_MS = 3_000;

/** Upstream headers that a client may use. */
const PASSED_ON: Readonly<Record<string, string>> = {
  'content-type': 'content-type',
  'x-request-id': 'x-groq-request-id',
  'x-groq-region': 'x-groq-region',
};

const TOO_LATE = [
  'groq_unavailable',
  'Groq had no answer before the deadline. Nothing was billed; try again.',
] as const;
const UNREACHABLE = [
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
  readonly #limits: LimitWatch;
  #lastUsedEpochMs = 0;

  constructor(options: { baseUrl: string | undefined; keys: GroqKeys; clock: Clock; log: Log; limits: LimitWatch }) {
    this.#client = new Groq({
      // The real key is the team's, and goes with each request.
      apiKey: 'per-request',
      // The SDK adds /openai/v1 to each path; an address written with it means the same.
      ...(options.baseUrl === undefined ? {} : { baseURL: apiAddress(options.baseUrl) }),
      maxRetries: 0,
      logLevel: 'off',
    });
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#limits = options.limits;
  }

  async chat(call: ChatCall): Promise<TracedAnswer> {
    const { team, canary, deadlineEpochMs } = call;
    const [clock, log] = [this.#clock, this.#log];
    const tries = new KeyTries({ team, keys: this.#keys.of(team), canary, clock, log, deadlineEpochMs });
    const first = await this.#firstKey(team, tries);
    if ('reason' in first) return { kind: 'rejected', refusal: first };
    return await this.#sendUntilTaken(call, tries, first);
  }

  async #sendUntilTaken(call: ChatCall, tries: KeyTries, first: HeldKey): Promise<TracedAnswer> {
    let key = first;
    let pausedMs = 0;
    for (let sent = 1; ; ) {
      const leftMs = call.deadlineEpochMs - this.#clock.nowEpochMs();
      if (leftMs <= 0) return { kind: 'rejected', refusal: refuse(...TOO_LATE), groqKeys: tries.trace(false) };
      try {
        const answer = await this.#send(call, key.apiKey, leftMs);
        tries.taken();
        return { ...answer, groqKeys: tries.trace(true) };
      } catch (error) {
        const status = error instanceof Groq.APIError ? error.status : undefined;
        if (error instanceof Groq.APIError) this.#noteLimits(call.body.model, error.headers, status, error.message);
        const other = status === 401 ? await tries.afterRefusal() : undefined;
        if (other !== undefined) {
          key = other;
          continue;
        }
        const answer = answerOfError(error);
        const wasTaken = status !== 401 && (status !== undefined || answer.kind === 'lost');
        if (wasTaken) tries.taken();
        const pauseMs = this.#pauseMs(error, sent);
        if (
          status === undefined ||
          !NOT_NOW.includes(status) ||
          sent >= MAX_TRIES ||
          pausedMs + pauseMs > Math.min(MAX_PAUSES_MS, leftMs)
        ) {
          const { reason } = answer.refusal;
          const facts = { team: call.team, reason, status: status ?? 0, tries: sent, cause: codeOf(error) };
          this.#log('groq_failed', facts);
          return { ...answer, groqKeys: tries.trace(wasTaken) };
        }
        pausedMs += pauseMs;
        sent++;
        await this.#clock.sleep(pauseMs);
      }
    }
  }

  async #send(call: ChatCall, key: string, leftMs: number): Promise<UpstreamAnswer> {
    // A timer of our own, cleared at the end: a signal that lives to the deadline would keep each answer in memory so long.
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), leftMs);
    let isStreaming = false;
    const nowEpochMs = this.#clock.nowEpochMs();
    if (nowEpochMs - this.#lastUsedEpochMs > TRUST_IDLE_MS) openFreshConnections();
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
      this.#noteLimits(call.body.model, response.headers);
      const headers = passedOn(response.headers);
      if (response.body !== null && headers['content-type']?.startsWith('text/event-stream')) {
        isStreaming = true;
        return { kind: 'stream', events: untilEnd(sseEvents(response.body), () => clearTimeout(timer)), headers };
      }
      return { kind: 'whole', body: await response.text(), headers };
    } finally {
      if (!isStreaming) clearTimeout(timer);
    }
  }

  #noteLimits(model: unknown, headers: Headers | undefined, status?: number, message = ''): void {
    if (headers === undefined || typeof model !== 'string') return;
    const sighting = status === 429 ? limitsOfRefusal(headers, message) : limitsOfHeaders(headers);
    const isServed = status === undefined ? { isServed: true } : {};
    this.#limits.note(model, { ...sighting, ...isServed }, this.#clock.nowEpochMs());
  }

  /** Groq's own wish, or a random part of a pause that doubles: many callers must not come back at once. */
  #pauseMs(error: unknown, tries: number): number {
    const wished = error instanceof Groq.APIError ? retryAfterMsOf(error.headers) : undefined;
    return wished ?? FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + this.#clock.random() / 2);
  }

  /** The key to begin with, or why there is none: nothing has been sent, and the operators are told which it was. */
  async #firstKey(team: string, tries: KeyTries): Promise<HeldKey | Refusal> {
    try {
      const key = await tries.next();
      if (key !== undefined) return key;
      this.#log('groq_key_missing', { team });
    } catch (error) {
      this.#log('groq_key_unreadable', { team, error: error instanceof Error ? error.message : 'unknown' });
      const isShape = error instanceof MalformedSecret;
      if (!isShape) return refuse(...UNREACHABLE);
    }
    return refuse('groq_key_missing', `Team "${team}" has no Groq key yet. An operator must set it.`);
  }
}

/** The code of a connection's failure, for operators; never a message, which may quote what was sent. */
function codeOf(error: unknown): string {
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : cause instanceof Error ? cause.name : '';
}

async function* untilEnd(events: AsyncIterable<Uint8Array>, ended: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* events;
  } finally {
    ended();
  }
}

function passedOn(headers: Headers): UpstreamHeaders {
  const passed: Record<string, string> = {};
  for (const [theirs, ours] of Object.entries(PASSED_ON)) {
    const value = headers.get(theirs);
    if (value !== null) passed[ours] = value;
  }
  return passed;
}
