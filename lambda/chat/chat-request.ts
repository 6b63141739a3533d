import { isObject, type JsonObject } from '../kernel/json-object.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';

/** The fields of a chat completion that the gateway interprets. Groq validates all others. */
export type ChatRequest = {
  readonly model: string;
  readonly messages: readonly JsonObject[];
  readonly tools: readonly JsonObject[];
  /** The client's limit on output tokens, if it set one. */
  readonly requestedMaxTokens: number | undefined;
  readonly stream: boolean;
  /** True if a streaming client requested the usage chunk. */
  readonly includeUsage: boolean;
  readonly body: JsonObject;
};

/** The maximum depth of a body: far more than any schema needs, far less than what overflows a stack. */
const MAX_DEPTH = 100;

/** Parses the body of a chat completion. A null counts as absent, because clients send explicit nulls. */
export function parseChatRequest(text: string): ChatRequest | Refusal {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refuse('invalid_request', 'The body is not valid JSON. Send a JSON object with "model" and "messages".');
  }
  if (!isObject(body)) return refuse('invalid_request', 'The body must be a JSON object with "model" and "messages".');
  if (isDeeperThan(body, MAX_DEPTH))
    return refuse('invalid_request', `The body nests deeper than ${MAX_DEPTH} levels.`);
  return readFields(body);
}

function readFields(body: JsonObject): ChatRequest | Refusal {
  const { model, messages } = body;
  if (typeof model !== 'string' || model === '') {
    return invalid('model', 'must be the id of a model; GET /openai/v1/models lists yours');
  }
  if (!isListOfObjects(messages) || messages.length === 0)
    return invalid('messages', 'must be a list of at least one message object');
  const tools = body.tools ?? [];
  if (!isListOfObjects(tools)) return invalid('tools', 'must be a list of tool objects');
  const stream = body.stream ?? false;
  if (typeof stream !== 'boolean') return invalid('stream', 'must be true or false');
  const streamOptions = body.stream_options ?? {};
  if (!isObject(streamOptions)) return invalid('stream_options', 'must be an object');
  const includeUsage = streamOptions.include_usage ?? false;
  if (typeof includeUsage !== 'boolean') return invalid('stream_options.include_usage', 'must be true or false');
  if ((body.n ?? 1) !== 1)
    return invalid('n', 'must be 1: Groq answers with one choice, and each further one would be billed');
  for (const field of ['max_tokens', 'max_completion_tokens']) {
    const value = body[field] ?? undefined;
    if (value !== undefined && !(typeof value === 'number' && Number.isSafeInteger(value) && value >= 1)) {
      return invalid(field, 'must be a whole number of tokens, at least 1');
    }
  }
  const requestedMaxTokens = (body.max_completion_tokens ?? body.max_tokens ?? undefined) as number | undefined;
  return { model, messages, tools, requestedMaxTokens, stream, includeUsage: stream && includeUsage, body };
}

function invalid(param: string, problem: string): Refusal {
  return refuse('invalid_request', `"${param}" ${problem}.`, { param });
}

function isListOfObjects(value: unknown): value is readonly JsonObject[] {
  return Array.isArray(value) && value.every(isObject);
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeperThan(child, levels - 1));
}
