import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type JsonObject, parseObject } from '../../lambda/kernel/json-object.ts';
import { buildCompletion, type Completion, messageText } from './completion.ts';
import { applyUsageFault, buildChunks, buildResponse, CREATED_S } from './completion-response.ts';
import { type ErrorResponse, type Fault, INVALID_KEY, parseFault, toErrorResponse } from './faults.ts';
import { FakeKeyAdmin } from './key-admin.ts';
import { FakeKeys } from './keys.ts';
import { FakeLimits, type OrganizationLimits } from './limits.ts';
import { addUsage, emptyServedCounts, type ServedCounts } from './served-counts.ts';

/** How the fake behaves. */
export type FakeGroqOptions = {
  /** @default 0: a free one */
  readonly port?: number;
  /** Keys it takes. @default any */
  readonly acceptedKeys?: ReadonlySet<string>;
  /** Milliseconds before each answer. @default 0 */
  readonly latencyMs?: number;
  /** Milliseconds between the chunks of a stream. @default 0 */
  readonly chunkIntervalMs?: number;
  /** The organisation's limits, of which it refuses what is over. @default none: nothing is refused */
  readonly limits?: OrganizationLimits;
  /** The clock of the limits, in milliseconds. @default the machine's */
  readonly nowMs?: () => number;
};

/** A running fake Groq; see faults.ts and completion.ts for what a message can ask of it. */
export type FakeGroq = {
  readonly baseUrl: string;
  served(): ServedCounts;
  /** The keys it takes, and what each was used for. */
  readonly keys: FakeKeys;
  /** The last bodies it was sent, newest last. */
  lastBodies(): readonly JsonObject[];
  close(): Promise<void>;
};

const CHAT = 'POST /openai/v1/chat/completions';
const MAX_BODIES = 100;
const MAX_TRIGGERED_FAULTS = 10_000;
const SLOW_MS = 2_000;
const CONTEXT_WINDOW = 131_072;
const CONTEXT_LENGTH_EXCEEDED: ErrorResponse = {
  status: 400,
  error: {
    message: 'Please reduce the length of the messages or completion.',
    type: 'invalid_request_error',
    param: 'messages',
    code: 'context_length_exceeded',
  },
};
/** Starts an upstream that speaks Groq's API on 127.0.0.1, answers without a model, fails on request, and counts. */
export async function startFakeGroq(options: FakeGroqOptions): Promise<FakeGroq> {
  const fake = new FakeUpstream(options);
  const server = createServer((request, response) => {
    fake.serve(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    served: () => structuredClone(fake.served),
    keys: fake.keys,
    lastBodies: () => fake.bodies,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class FakeUpstream {
  readonly served: ServedCounts = emptyServedCounts();
  readonly bodies: JsonObject[] = [];
  readonly keys: FakeKeys;
  readonly #keyAdmin: FakeKeyAdmin;
  readonly #options: FakeGroqOptions;
  readonly #limits: FakeLimits;
  readonly #triggeredFaults = new Set<string>();

  constructor(options: FakeGroqOptions) {
    this.#options = options;
    this.keys = new FakeKeys(options.acceptedKeys);
    this.#keyAdmin = new FakeKeyAdmin(this.keys);
    this.#limits = new FakeLimits(options.limits, options.nowMs ?? Date.now);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const route = `${request.method} ${path}`;
    if (route === 'GET /_fake/served') return send(response, 200, this.served);
    const control = this.keys.control(request.method ?? '', path, parseObject(text));
    if (control !== undefined) return send(response, control.status, control.content);
    const key = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    const isModels = route.startsWith('GET /openai/v1/models');
    const purpose = isModels ? 'models' : route === CHAT ? 'chat' : 'other';
    if (key === undefined || !this.keys.accepts(key, purpose)) return sendError(response, INVALID_KEY);
    if (isModels)
      return send(response, 200, {
        object: 'list',
        data: [
          {
            id: 'openai/gpt-oss-20b',
            object: 'model',
            created: CREATED_S,
            owned_by: 'OpenAI',
            active: true,
            context_window: 131072,
          },
        ],
      });
    const administered = this.#keyAdmin.answer(route, parseObject(text));
    if (administered !== undefined) return send(response, administered.status, administered.content);
    if (route !== CHAT) {
      return sendError(response, {
        status: 404,
        error: { message: `Unknown request URL: ${route}.`, type: 'invalid_request_error', code: 'unknown_url' },
      });
    }
    const body = parseObject(text);
    this.served.requests++;
    this.served.byKeySuffix[key.slice(-4)] = (this.served.byKeySuffix[key.slice(-4)] ?? 0) + 1;
    if (body === undefined || !Array.isArray(body.messages) || typeof body.model !== 'string') {
      this.served.refused++;
      return sendError(response, {
        status: 400,
        error: { message: "'messages' : is required", type: 'invalid_request_error' },
      });
    }
    this.bodies.push(body);
    if (this.bodies.length > MAX_BODIES) this.bodies.shift();
    this.served.maxInFlight = Math.max(this.served.maxInFlight, ++this.served.inFlight);
    try {
      await this.#answer(body, request, response);
    } finally {
      this.served.inFlight--;
    }
  }

  async #answer(body: JsonObject, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [model = '', suffix] = String(body.model).split('#');
    const fault = this.#findFault(body, suffix ?? request.headers['x-fake-fault']?.toString());
    await sleep((this.#options.latencyMs ?? 0) + (fault?.kind === 'slow' ? (fault.amount ?? SLOW_MS) : 0));
    const error = fault === undefined ? undefined : toErrorResponse(fault);
    if (error !== undefined) {
      this.served.refused++;
      return sendError(response, error);
    }
    if (fault?.kind === 'hang') {
      await new Promise((resolve) => response.once('close', resolve));
      this.served.refused++;
      return;
    }
    const completion = buildCompletion(body, model);
    if (completion.tokens.promptTokens > CONTEXT_WINDOW) {
      this.served.refused++;
      return sendError(response, CONTEXT_LENGTH_EXCEEDED);
    }
    const { promptTokens, cachedTokens, completionTokens } = completion.tokens;
    const { headers, error: limitError } = this.#limits.take(model, promptTokens - cachedTokens + completionTokens);
    if (limitError !== undefined) {
      this.served.refused++;
      return sendError(response, limitError);
    }
    for (const [name, value] of Object.entries({ ...headers, 'x-groq-region': 'fake' }))
      response.setHeader(name, value);
    const isKnown = fault === undefined || fault.kind === 'slow' || fault.kind === 'no-done';
    addUsage(isKnown ? this.served.byModel : this.served.interruptedByModel, model, completion.tokens);
    if (fault?.kind === 'reset') response.destroy();
    else if (body.stream === true) await this.#stream(body, completion, fault?.kind, response);
    else this.#whole(completion, fault?.kind, response);
    if (response.destroyed && isKnown && !response.writableFinished) this.served.clientGone++;
  }

  #findFault(body: JsonObject, asked: string | undefined): Fault | undefined {
    const text = messageText(body);
    const fault = parseFault(asked ?? /\[fault:([^\]]+)\]/.exec(text)?.[1]);
    if (fault?.once !== true) return fault;
    if (this.#triggeredFaults.has(text)) return undefined;
    if (this.#triggeredFaults.size >= MAX_TRIGGERED_FAULTS) this.#triggeredFaults.clear();
    this.#triggeredFaults.add(text);
    return fault;
  }

  #whole(completion: Completion, fault: Fault['kind'] | undefined, response: ServerResponse): void {
    const text = JSON.stringify(
      buildResponse({ id: this.#id(), completion, usage: applyUsageFault(completion, fault) }),
    );
    response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': this.#id() });
    if (fault === 'cut' || fault === 'error-chunk') {
      response.write(text.slice(0, text.length / 2), () => response.destroy());
    } else response.end(text);
  }

  async #stream(
    body: JsonObject,
    completion: Completion,
    fault: Fault['kind'] | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const options = isObject(body.stream_options) ? body.stream_options : {};
    const shaped = { id: this.#id(), completion, usage: applyUsageFault(completion, fault) };
    const { head, pieces, tail } = buildChunks(shaped, options.include_usage === true);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': this.#id() });
    const isBroken = fault === 'cut' || fault === 'error-chunk';
    const chunks = isBroken ? [head, ...pieces.slice(0, Math.ceil(pieces.length / 2))] : [head, ...pieces, ...tail];
    for (const chunk of chunks) {
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      if (this.#options.chunkIntervalMs !== undefined) await sleep(this.#options.chunkIntervalMs);
    }
    if (fault === 'cut') {
      // The bytes so far must be out before the connection breaks.
      response.write('', () => response.destroy());
    } else if (fault === 'error-chunk') {
      response.end(
        `data: ${JSON.stringify({ error: { message: 'The model failed', type: 'server_error', code: 'model_error' } })}\n\n`,
      );
    } else response.end(fault === 'no-done' ? '' : 'data: [DONE]\n\n');
  }

  #id(): string {
    return `fake-${this.served.requests}`;
  }
}

function send(
  response: ServerResponse,
  status: number,
  content: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(content));
}

function sendError(response: ServerResponse, { status, error, headers }: ErrorResponse): void {
  send(response, status, { error }, headers);
}
