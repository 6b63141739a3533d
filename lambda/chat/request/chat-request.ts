import { isObject, type JsonObject } from '../../kernel/json/json-object.ts';
import { findBrokenBound, parseLossless, toNumber } from '../../kernel/json/lossless-json.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import { buildBody } from './build-body.ts';

/** A chat completion as the gateway reads it. */
export type ChatRequest = {
  readonly model: string;
  readonly messages: readonly JsonObject[];
  readonly tools: readonly JsonObject[];
  /** The client's limit on output tokens, if it set one. */
  readonly requestedMaxTokens: number | undefined;
  readonly stream: boolean;
  /** True if a streaming client requested the usage chunk. */
  readonly includeUsage: boolean;
  /** The body that may be sent to Groq: known fields only, every number as the client wrote it. */
  readonly body: JsonObject;
};

/**
 * Bounds of a body: nesting beyond what any schema needs would exhaust the stack, and twice the values that the largest
 * window has tokens (131,072) would fit no model and exhaust the memory.
 */
const BODY_BOUNDS = { maxDepth: 100, maxValues: 262_144 };

/**
 * Reads the body of a chat completion and copies it from the fields that Groq documents, and from those that an operator
 * admits by `passFields`. Explicit nulls count as absent, since clients send them.
 */
export function parseChatRequest(text: string, passFields?: ReadonlySet<string>): ChatRequest | Refusal {
  const broken = findBrokenBound(text, BODY_BOUNDS);
  if (broken === 'maxDepth')
    return refuse('invalid_request', `The body nests deeper than ${BODY_BOUNDS.maxDepth} levels.`);
  if (broken === 'maxValues')
    return refuse('invalid_request', `The body has more than ${BODY_BOUNDS.maxValues} values, which fits no model.`);
  let body: unknown;
  try {
    body = parseLossless(text);
  } catch {
    return refuse('invalid_request', 'The body is not valid JSON. Send a JSON object with "model" and "messages".');
  }
  if (!isObject(body)) return refuse('invalid_request', 'The body must be a JSON object with "model" and "messages".');
  const refusal = checkFields(body);
  const built = refusal ?? buildBody(body, passFields);
  return 'reason' in built ? (built as Refusal) : readFields(built);
}

/** Checks the fields that the gateway itself reads. */
function checkFields(body: JsonObject): Refusal | undefined {
  if (typeof body.model !== 'string' || body.model === '')
    return invalid('model', 'must be the id of a model; GET /openai/v1/models lists yours');
  if (!isListOfObjects(body.messages) || body.messages.length === 0)
    return invalid('messages', 'must be a list of at least one message object');
  if (!isListOfObjects(body.tools ?? [])) return invalid('tools', 'must be a list of tool objects');
  if (!isFlag(body.stream)) return invalid('stream', 'must be true or false');
  const streamOptions = body.stream_options ?? {};
  if (!isObject(streamOptions)) return invalid('stream_options', 'must be an object');
  if (!isFlag(streamOptions.include_usage)) return invalid('stream_options.include_usage', 'must be true or false');
  if ((toNumber(body.n) ?? body.n ?? 1) !== 1)
    return invalid('n', 'must be 1: Groq answers with one choice, and each further one would be billed');
  const tier = body.service_tier ?? 'on_demand';
  if (typeof tier !== 'string' || !PRICED_SERVICE_TIERS.includes(tier))
    return invalid('service_tier', `must be one of ${PRICED_SERVICE_TIERS.join(', ')}: no other has a known price`);
  for (const field of OUTPUT_LIMITS) {
    const limit = toNumber(body[field]) ?? body[field] ?? 1;
    if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1)
      return invalid(field, 'must be a whole number of tokens, at least 1');
  }
  return undefined;
}

/**
 * The tiers at the catalog's prices: `flex` costs what `on_demand` does, and `auto` is one of the two
 * (console.groq.com/docs/service-tiers, read 2026-11-30). `performance` has a price by contract.
 */
const PRICED_SERVICE_TIERS: readonly string[] = ['on_demand', 'auto', 'flex'];

/** A number's field wins over its deprecated alias. */
const OUTPUT_LIMITS = ['max_completion_tokens', 'max_tokens'] as const;

/** Reads a body that was checked and copied. */
function readFields(body: JsonObject): ChatRequest {
  const stream = body.stream === true;
  const options = body.stream_options as JsonObject | null | undefined;
  return {
    model: body.model as string,
    messages: body.messages as readonly JsonObject[],
    tools: (body.tools ?? []) as readonly JsonObject[],
    requestedMaxTokens: toNumber(body.max_completion_tokens) ?? toNumber(body.max_tokens),
    stream,
    includeUsage: stream && options?.include_usage === true,
    body,
  };
}

function isFlag(value: unknown): boolean {
  return typeof (value ?? false) === 'boolean';
}

function invalid(param: string, problem: string): Refusal {
  return refuse('invalid_request', `"${param}" ${problem}.`, { param });
}

function isListOfObjects(value: unknown): value is readonly JsonObject[] {
  return Array.isArray(value) && value.every(isObject);
}
