import Groq from 'groq-sdk';
import { normalizeBaseUrl } from '../../contract.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { RateLimitObserver } from '../rate-limit-reading.ts';
import type { ChatCall, UpstreamHeaders, UpstreamResponse } from '../upstream.ts';
import { DEFAULT_UPSTREAM_LIMITS, firstByteLimitMs, type UpstreamLimits } from '../upstream-limits.ts';
import { readAnswer } from './answer-body.ts';
import { AnswerTimer } from './answer-timer.ts';
import { resetConnectionPool } from './connection-pool.ts';
import { type CallFailure, readFailure } from './groq-errors.ts';
import { parseRateLimitHeaders, parseRateLimitRefusal } from './groq-limits.ts';
import { trackSending } from './sent-requests.ts';
import { splitSseEvents } from './sse-events.ts';
import { FailedResponse, fetchUpstream } from './upstream-fetch.ts';

/** The maximum time for which an idle connection is reused, in milliseconds: below the keep-alive of any server. */
const MAX_IDLE_CONNECTION_MS = 3_000;

/** Groq's response headers that clients receive, and the names they receive them by. */
const FORWARDED_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'content-type',
  'x-request-id': 'x-groq-request-id',
  'x-groq-region': 'x-groq-region',
};

/** The outcome of sending a call once. */
export type SendOutcome = { readonly kind: 'accepted'; readonly response: UpstreamResponse } | CallFailure;

/** Props of a client for Groq's API. */
export type GroqClientOptions = {
  /** @default Groq's own */
  readonly baseUrl: string | undefined;
  readonly clock: Clock;
  readonly limits: RateLimitObserver;
  /** @default DEFAULT_UPSTREAM_LIMITS */
  readonly timeouts?: Partial<UpstreamLimits> | undefined;
};

/** Sends chat completions to Groq's API by groq-sdk, once each, and reports the rate limits of every response. */
export class GroqClient {
  readonly #client: Groq;
  readonly #clock: Clock;
  readonly #limits: RateLimitObserver;
  readonly #timeouts: UpstreamLimits;
  #lastUsedEpochMs = 0;

  constructor({ baseUrl, clock, limits, timeouts }: GroqClientOptions) {
    this.#client = new Groq({
      // Each request carries its team's key.
      apiKey: 'per-request',
      // The SDK adds /openai/v1 to each path, so a base URL may end with it or not.
      ...(baseUrl === undefined ? {} : { baseURL: normalizeBaseUrl(baseUrl) }),
      maxRetries: 0,
      logLevel: 'off',
      fetch: fetchUpstream,
    });
    this.#clock = clock;
    this.#limits = limits;
    this.#timeouts = { ...DEFAULT_UPSTREAM_LIMITS, ...timeouts };
  }

  /** Sends a call with a Groq key. Never throws. */
  async send(call: Pick<ChatCall, 'body'>, apiKey: string, timeoutMs: number): Promise<SendOutcome> {
    const { result, wasSent } = trackSending(() => this.#post(call, apiKey, timeoutMs));
    try {
      return { kind: 'accepted', response: await result };
    } catch (thrown) {
      // groq-sdk wraps what its fetch throws.
      const error = thrown instanceof Error && thrown.cause instanceof FailedResponse ? thrown.cause : thrown;
      if (error instanceof FailedResponse) this.#observeRateLimits(call.body.model, error.headers, error);
      return readFailure(error, wasSent());
    }
  }

  async #post({ body }: Pick<ChatCall, 'body'>, apiKey: string, timeoutMs: number): Promise<UpstreamResponse> {
    const firstByteMs = firstByteLimitMs(body, this.#timeouts);
    const timer = new AnswerTimer(timeoutMs, firstByteMs, this.#timeouts.idleMs);
    let isStreaming = false;
    this.#dropIdleConnections();
    try {
      const response = await this.#client
        .post('/openai/v1/chat/completions', {
          body,
          headers: { Authorization: `Bearer ${apiKey}` },
          timeout: timeoutMs,
          signal: timer.signal,
        })
        .asResponse();
      this.#observeRateLimits(body.model, response.headers);
      const headers = forwardHeaders(response.headers);
      const isEvents = /^\s*text\/event-stream\b/i.test(headers['content-type'] ?? '');
      const content = response.body === null ? null : timer.guard(response.body);
      if (content === null || !isEvents) return { kind: 'complete', body: await readAnswer(content), headers };
      isStreaming = true;
      return { kind: 'stream', events: splitSseEvents(content), headers };
    } catch (error) {
      throw timer.exceeded ?? error;
    } finally {
      if (!isStreaming) timer.stop();
    }
  }

  #dropIdleConnections(): void {
    const nowEpochMs = this.#clock.nowEpochMs();
    if (nowEpochMs - this.#lastUsedEpochMs > MAX_IDLE_CONNECTION_MS) resetConnectionPool();
    this.#lastUsedEpochMs = nowEpochMs;
  }

  #observeRateLimits(model: unknown, headers: Headers, failed?: Pick<FailedResponse, 'status' | 'text'>): void {
    if (typeof model !== 'string') return;
    const reading =
      failed?.status === 429 ? parseRateLimitRefusal(headers, failed.text) : parseRateLimitHeaders(headers);
    const isServed = failed === undefined ? { isServed: true } : {};
    this.#limits.observe(model, { ...reading, ...isServed }, this.#clock.nowEpochMs());
  }
}

function forwardHeaders(headers: Headers): UpstreamHeaders {
  const forwarded: Record<string, string> = {};
  for (const [upstreamName, clientName] of Object.entries(FORWARDED_HEADERS)) {
    const value = headers.get(upstreamName);
    if (value !== null) forwarded[clientName] = value;
  }
  return forwarded;
}
