import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** The gateways, called round robin, and the key for them. */
export type LoadTarget = { readonly baseUrls: readonly string[]; readonly key: string };

/** The pace of a load: a rate, or a number of callers that each send one call after another. */
export type LoadPace = { readonly callersAtOnce: number } | { readonly perSecond: number };

/** The result of one call. */
export type CallResult = {
  readonly status: number;
  readonly isStream: boolean;
  /** The response arrived complete. */
  readonly isWhole: boolean;
  readonly durationMs: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
};

/** Calls beyond this wait in the generator. In the ledger each open reservation would make every write larger. */
const MAX_IN_FLIGHT = 48;
const TICK_MS = 5;
const TIMEOUT_MS = 60_000;
const BODY = { model: 'openai/gpt-oss-20b', max_tokens: 24, messages: [{ role: 'user', content: 'Say hello.' }] };

/** Sends calls until it is stopped; every second one is streamed. */
export class LoadGenerator {
  /** Calls that have ended; `failures` are those without a complete 200 response. */
  completed = 0;
  streamed = 0;
  readonly failures: CallResult[] = [];
  readonly durationMs: number[] = [];
  readonly #target: LoadTarget;
  readonly #onEnd: (end: CallResult) => void;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_IN_FLIGHT });
  readonly #inFlight = new Set<Promise<void>>();
  #isOver = false;
  #started = 0;
  #done: Promise<unknown> = Promise.resolve();

  constructor(target: LoadTarget, onEnd: (end: CallResult) => void = () => {}) {
    this.#target = target;
    this.#onEnd = onEnd;
  }

  start(pace: LoadPace): void {
    this.#done =
      'perSecond' in pace
        ? this.#runAtRate(pace.perSecond)
        : Promise.all(Array.from({ length: pace.callersAtOnce }, () => this.#runSequentially()));
  }

  /** Waits until `count` more calls have ended. */
  async waitForCalls(count: number): Promise<void> {
    const target = this.completed + count;
    while (this.completed < target) await pause();
  }

  /** Stops, and waits for the calls in flight. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#done;
    await Promise.all(this.#inFlight);
    this.#agent.destroy();
  }

  async #runSequentially(): Promise<void> {
    while (!this.#isOver) await this.#call();
  }

  async #runAtRate(perSecond: number): Promise<void> {
    const startMs = performance.now();
    for (let due = 0; !this.#isOver; await pause()) {
      due = ((performance.now() - startMs) / 1000) * perSecond;
      while (this.#started < due && this.#inFlight.size < MAX_IN_FLIGHT) {
        const call = this.#call();
        this.#inFlight.add(call);
        call.finally(() => this.#inFlight.delete(call));
      }
    }
  }

  async #call(): Promise<void> {
    const index = this.#started++;
    const end = await this.#send(index).catch((error: unknown): CallResult => {
      const text = error instanceof Error ? error.message : 'unknown';
      return { status: 0, isStream: false, isWhole: false, durationMs: 0, headers: {}, text };
    });
    this.completed++;
    if (end.isStream) this.streamed++;
    this.durationMs.push(end.durationMs);
    if (end.status !== 200 || !end.isWhole) this.failures.push(end);
    this.#onEnd(end);
  }

  #send(index: number): Promise<CallResult> {
    const { baseUrls, key } = this.#target;
    // Alternates per round, so that every gateway gets both streams and whole responses.
    const isStream = Math.floor(index / baseUrls.length) % 2 === 1;
    const startMs = performance.now();
    return new Promise((resolve, reject) => {
      const outgoing = request(`${baseUrls[index % baseUrls.length]}/openai/v1/chat/completions`, {
        method: 'POST',
        agent: this.#agent,
        timeout: TIMEOUT_MS,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      });
      outgoing.once('error', reject);
      outgoing.once('timeout', () => outgoing.destroy(new Error('the call timed out')));
      outgoing.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.once('error', reject);
        response.once('end', () => {
          const isWhole = isStream ? text.trimEnd().endsWith('data: [DONE]') && !text.includes('data: {"error"') : true;
          const { statusCode: status = 0, headers } = response;
          resolve({ status, isStream, isWhole, durationMs: performance.now() - startMs, headers, text });
        });
      });
      outgoing.end(JSON.stringify({ ...BODY, stream: isStream }));
    });
  }
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
