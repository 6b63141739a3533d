import { isObject, type JsonObject } from '../kernel/json-object.ts';
import type { ChatModel } from '../pricing/catalog.ts';
import type { ChatRequest } from './chat-request.ts';

/**
 * What a chat template adds to a request before the first message, in tokens. The longest seen is gpt-oss's system
 * preamble (harmony format: identity, cut-off, date, reasoning effort, channels), about 75 tokens; read 2026-11-23.
 */
const TEMPLATE_TOKENS = 128;
/** What a chat template adds around a message, in tokens; the JSON around each message is counted besides. */
const MESSAGE_TOKENS = 8;

/** Fields that steer the sampling and the transport, and never become part of the prompt. */
const NOT_PROMPT = new Set([
  ...[
    'model',
    'messages',
    'max_tokens',
    'max_completion_tokens',
    'stream',
    'stream_options',
    'n',
    'temperature',
    'top_p',
  ],
  ...[
    'frequency_penalty',
    'presence_penalty',
    'seed',
    'stop',
    'service_tier',
    'logprobs',
    'top_logprobs',
    'logit_bias',
  ],
  ...['parallel_tool_calls', 'user', 'metadata', 'store', 'reasoning_effort', 'reasoning_format', 'include_reasoning'],
]);

/**
 * The most input tokens a request can come to. Byte-level BPE never makes more tokens than there are UTF-8 bytes, so
 * the bytes of everything that can reach the prompt bound it; what has no bytes to count, such as an image behind an
 * address, counts as the model's whole context window, which bounds everything.
 */
export function maxInputTokens(model: ChatModel, request: ChatRequest): number {
  if (request.messages.some(hasUncountablePart)) return model.contextWindow;
  let bytes = jsonBytes(request.messages);
  for (const [field, value] of Object.entries(request.body)) {
    if (!NOT_PROMPT.has(field) && value !== null) bytes += jsonBytes(value);
  }
  const tokens = bytes + TEMPLATE_TOKENS + MESSAGE_TOKENS * (request.messages.length + request.tools.length);
  return Math.min(tokens, model.contextWindow);
}

function hasUncountablePart(message: JsonObject): boolean {
  const { content } = message;
  return Array.isArray(content) && content.some((part) => !isObject(part) || part.type !== 'text');
}

const encoder = new TextEncoder();

function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}
