import { isObject, type JsonObject } from '../../kernel/json/json-object.ts';
import type { ChatModel } from '../../pricing/catalog.ts';
import { promptFields } from './build-body.ts';
import type { ChatRequest } from './chat-request.ts';

/**
 * The tokens that a chat template adds before the first message. The longest known preamble is gpt-oss's system
 * preamble (harmony format: identity, cut-off, date, reasoning effort, channels), about 75 tokens; read 2026-11-23.
 */
const TEMPLATE_TOKENS = 128;
/** The tokens that a chat template adds around a message, besides those of the message's own JSON. */
const MESSAGE_TOKENS = 8;

/**
 * The maximum input tokens of a request. Byte-level BPE never produces more tokens than there are UTF-8 bytes, so the bytes
 * of all fields that can reach the prompt are an upper bound. Content without bytes to count, such as an image by its URL,
 * counts as the model's whole context window.
 */
export function maxInputTokens(model: ChatModel, request: ChatRequest): number {
  if (request.messages.some(hasUncountablePart)) return model.contextWindow;
  const fields = Object.values(promptFields(request.body)).filter((value) => value !== null);
  const bytes = fields.reduce((sum: number, value) => sum + jsonBytes(value), 0);
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
