import { isObject, type JsonObject } from '../kernel/json-object.ts';
import type { ChatModel } from '../pricing/catalog.ts';
import type { ChatRequest } from './chat-request.ts';

/**
 * The tokens that a chat template adds before the first message. The longest known preamble is gpt-oss's system
 * preamble (harmony format: identity, cut-off, date, reasoning effort, channels), about 75 tokens; read 2026-11-23.
 */
const TEMPLATE_TOKENS = 128;
/** The tokens that a chat template adds around a message, besides those of the message's own JSON. */
const MESSAGE_TOKENS = 8;

/** Fields that control sampling and transport, and never become part of the prompt. */
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
 * The maximum input tokens of a request. Byte-level BPE never produces more tokens than there are UTF-8 bytes, so the bytes
 * of all fields that can reach the prompt are an upper bound. Content without bytes to count, such as an image by its URL,
 * counts as the model's whole context window.
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
