import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import catalogFile from '../../config/catalog.json' with { type: 'json' };
import { type JsonObject, parseObject } from '../../lambda/kernel/json/json-object.ts';
import { sendJson, writeStream, writeWhole } from './chat-response.ts';
import { buildCompletion, messageText } from './completion.ts';
import { CONTEXT_WINDOW } from './completion-response.ts';
import {
  CONTEXT_LENGTH_EXCEEDED,
  type ErrorResponse,
  INVALID_KEY,
  MESSAGES_REQUIRED,
  unknownUrl,
} from './error-responses.ts';
import { type Fault, parseFault, toErrorResponse } from './faults.ts';
import { FakeKeyAdmin } from './key-admin.ts';
import { FakeKeys } from './keys.ts';
import { FakeLimits, type OrganizationLimits } from './limits.ts';
import { buildModelList } from './model-list.ts';
import { addUsage, emptyServedCounts, type ServedCounts } from './served-counts.ts';

/** Props of the fake's behaviour. */
export type FakeUpstreamOptions = {
  /** The keys that it accepts. @default any */
  readonly acceptedKeys?: ReadonlySet<string>;
  /** The content of the catalog file whose models `GET /models` lists. @default config/catalog.json */
  readonly catalogFile?: unknown;
  /** Milliseconds before each response. @default 0 */
  readonly latencyMs?: number;
  /** Milliseconds between the chunks of a stream. @default 0 */
  readonly chunkIntervalMs?: number;
  /** The organisation's limits. @default none: no call is refused */
  readonly limits?: OrganizationLimits;
  /** The clock of the limits, in milliseconds. @default the system clock */
  readonly nowMs?: () => number;
};

const CHAT = 'POST /openai/v1/chat/completions';
const MAX_BODIES = 100;
const MAX_TRIGGERED_FAULTS = 10_000;
const SLOW_MS = 2_000;

/** The request handler of the fake Groq, and its state. */
export class FakeUpstream {
  readonly served: ServedCounts = emptyServedCounts();
  readonly bodies: JsonObject[] = [];
  readonly keys: FakeKeys;
  readonly #keyAdmin: FakeKeyAdmin;
  readonly #options: FakeUpstreamOptions;
  readonly #limits: FakeLimits;
  readonly #triggeredFaults = new Set<string>();

  constructor(options: FakeUpstreamOptions) {
    this.#options = options;
    this.keys = new FakeKeys(options.acceptedKeys);
    this.#keyAdmin = new FakeKeyAdmin(this.keys);
    this.#limits = new FakeLimits(options.limits, options.nowMs ?? Date.now);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = parseObject(Buffer.concat(chunks).toString());
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const route = `${request.method} ${path}`;
    if (route === 'GET /_fake/served') return sendJson(response, 200, this.served);
    const control = this.keys.control(request.method ?? '', path, body);
    if (control !== undefined) return sendJson(response, control.status, control.content);
    const key = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    const isModels = route.startsWith('GET /openai/v1/models');
    const purpose = isModels ? 'models' : route === CHAT ? 'chat' : 'other';
    if (key === undefined || !this.keys.accepts(key, purpose)) return sendError(response, INVALID_KEY);
    if (isModels) return sendJson(response, 200, buildModelList(this.#options.catalogFile ?? catalogFile));
    const administered = this.#keyAdmin.answer(route, body);
    if (administered !== undefined) return sendJson(response, administered.status, administered.content);
    if (route !== CHAT) return sendError(response, unknownUrl(route));
    await this.#serveChat(key, body, request, response);
  }

  async #serveChat(
    key: string,
    body: JsonObject | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { served } = this;
    served.requests++;
    served.byKeySuffix[key.slice(-4)] = (served.byKeySuffix[key.slice(-4)] ?? 0) + 1;
    if (body === undefined || !Array.isArray(body.messages) || typeof body.model !== 'string')
      return this.#refuse(response, MESSAGES_REQUIRED);
    this.bodies.push(body);
    if (this.bodies.length > MAX_BODIES) this.bodies.shift();
    served.maxInFlight = Math.max(served.maxInFlight, ++served.inFlight);
    try {
      await this.#complete(body, request, response);
    } finally {
      served.inFlight--;
    }
  }

  async #complete(body: JsonObject, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [model = '', suffix] = String(body.model).split('#');
    const fault = this.#findFault(body, suffix ?? request.headers['x-fake-fault']?.toString());
    await sleep((this.#options.latencyMs ?? 0) + (fault?.kind === 'slow' ? (fault.amount ?? SLOW_MS) : 0));
    const error = fault === undefined ? undefined : toErrorResponse(fault);
    if (error !== undefined) return this.#refuse(response, error);
    if (fault?.kind === 'hang') {
      await new Promise((resolve) => response.once('close', resolve));
      this.served.refused++;
      return;
    }
    const completion = buildCompletion(body, model);
    const { promptTokens, cachedTokens, completionTokens } = completion.tokens;
    if (promptTokens > CONTEXT_WINDOW) return this.#refuse(response, CONTEXT_LENGTH_EXCEEDED);
    const { headers, error: limitError } = this.#limits.take(model, promptTokens - cachedTokens + completionTokens);
    if (limitError !== undefined) return this.#refuse(response, limitError);
    for (const [name, value] of Object.entries({ ...headers, 'x-groq-region': 'fake' }))
      response.setHeader(name, value);
    const isUsageKnown = fault === undefined || fault.kind === 'slow' || fault.kind === 'no-done';
    addUsage(isUsageKnown ? this.served.byModel : this.served.interruptedByModel, model, completion.tokens);
    const answer = { id: `fake-${this.served.requests}`, completion, fault: fault?.kind };
    if (fault?.kind === 'reset') response.destroy();
    else if (body.stream === true) await writeStream(response, answer, body, this.#options.chunkIntervalMs);
    else writeWhole(response, answer);
    if (response.destroyed && isUsageKnown && !response.writableFinished) this.served.clientGone++;
  }

  #refuse(response: ServerResponse, error: ErrorResponse): void {
    this.served.refused++;
    sendError(response, error);
  }

  #findFault(body: JsonObject, requested: string | undefined): Fault | undefined {
    const text = messageText(body);
    const fault = parseFault(requested ?? /\[fault:([^\]]+)\]/.exec(text)?.[1]);
    if (fault?.once !== true) return fault;
    if (this.#triggeredFaults.has(text)) return undefined;
    if (this.#triggeredFaults.size >= MAX_TRIGGERED_FAULTS) this.#triggeredFaults.clear();
    this.#triggeredFaults.add(text);
    return fault;
  }
}

function sendError(response: ServerResponse, { status, error, headers }: ErrorResponse): void {
  sendJson(response, status, { error }, headers);
}
