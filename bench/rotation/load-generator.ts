import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** Where calls go: each to one of the gateways, in turn. */
export type LoadTarget = { readonly baseUrls: readonly string[]; readonly key: string };

/** How a load is: by a rate, or by how many callers go on one call after another. */
export type LoadPace = { readonly callersAtOnce: number } | { readonly perSecond: number };

/** One call's end. */
export type CallResult = {
  readonly status: number;
  readonly isStream: boolean;
  /** Whether the answer came whole. */
  readonly isWhole: boolean;
  readonly durationMs: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
};

/** A rate that the machine cannot keep waits here: in the ledger it would make every write larger. */
const MAX_IN_FLIGHT = 48;
const TICK_MS = 5;
const TIMEOUT_MS = 60_000;
const BODY = { model: 'openai/gpt-oss-20b', max_tokens: 24, messages: [{ role: 'user', content: 'Say hello.' }] };

/** Calls that go on until they are stopped: every second one is streamed. */
export class LoadGenerator {
  /** Calls that have ended, and those of them that were not answered whole by a 200. */
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

  /** Waits until so many more calls have ended. */
  async waitForCalls(count: number): Promise<void> {
    const wanted = this.completed + count;
    while (this.completed < wanted) await pause();
  }

  /** Lets the calls in flight end. */
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
    // Streams to every gateway: both turns would fall together if their numbers are even.
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
      outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in time')));
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
