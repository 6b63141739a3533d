import { isObject, type JsonObject, parseObject } from '../kernel/json-object.ts';
import { parseUsage, type TokenUsage } from '../pricing/token-usage.ts';

/** The contents of one server-sent event of a streamed completion, and the bytes that the client receives. */
export type StreamEvent = {
  /** The bytes to forward, or undefined to hide the event. */
  readonly forward: Uint8Array | undefined;
  readonly usage: TokenUsage | undefined;
  /** True if Groq reports a failure in the middle of the stream. */
  readonly failed: boolean;
};

/** Builds the `x_gateway` object that is added to a usage chunk. */
export type UsageAnnotator = (usage: TokenUsage) => JsonObject;

/** Matches a field of a chunk's delta that is not empty; cheaper than parsing chunks that are forwarded unchanged. */
const CONTENT = /"(?:content|reasoning|arguments|name)"\s*:\s*"(?!")/;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Parses one whole event, including its closing blank line. An event without usage or error is forwarded unchanged. The
 * gateway always requests usage from Groq, and hides the usage chunk from clients that did not. The usage in `x_groq`,
 * which Groq always sends, stays.
 */
export function parseStreamEvent(event: Uint8Array, includeUsage: boolean, annotate: UsageAnnotator): StreamEvent {
  const text = decoder.decode(event);
  const plain: StreamEvent = { forward: event, usage: undefined, failed: false };
  if (!text.includes('"usage"') && !text.includes('"error"')) return plain;
  const chunk = parseSseData(text);
  if (chunk === undefined) return plain;
  const failed = (chunk.error ?? null) !== null;
  const groq = isObject(chunk.x_groq) ? chunk.x_groq : {};
  const usage = parseUsage(chunk.usage) ?? parseUsage(groq.usage);
  const hasUsage = isObject(chunk.usage);
  if (failed || !hasUsage) return { ...plain, usage, failed };
  if (includeUsage) {
    if (usage === undefined) return plain;
    return { forward: renderSseData({ ...chunk, x_gateway: annotate(usage) }), usage, failed };
  }
  const { usage: _hidden, ...rest } = chunk;
  const isExtraChunk = Array.isArray(chunk.choices) && chunk.choices.length === 0;
  return { forward: isExtraChunk ? undefined : renderSseData(rest), usage, failed };
}

/** True if an event contains output of the model: text, reasoning or part of a tool call. */
export function hasContent(event: Uint8Array): boolean {
  return CONTENT.test(decoder.decode(event));
}

/** Renders an object as one server-sent event. */
export function renderSseData(data: JsonObject): Uint8Array {
  return encoder.encode(`data: ${JSON.stringify(data)}\n\n`);
}

function parseSseData(text: string): JsonObject | undefined {
  const data = text
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5))
    .join('\n');
  return parseObject(data);
}
