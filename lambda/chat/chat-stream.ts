import { isObject, type JsonObject, parseObject } from '../kernel/json-object.ts';
import { parseUsage, type TokenUsage } from '../pricing/token-usage.ts';

/** What one server-sent event of a streamed completion tells, and what of it the client gets. */
export type StreamEvent = {
  /** The bytes to pass on, or undefined to hide the event. */
  readonly forward: Uint8Array | undefined;
  readonly usage: TokenUsage | undefined;
  /** Whether Groq reports a failure in the middle of the stream. */
  readonly failed: boolean;
};

/** How the gateway's own facts are added to the usage chunk of a client that asked for it. */
export type UsageAnnotator = (usage: TokenUsage) => JsonObject;

/** A field of a chunk's delta that has something in it; cheaper than to parse what passes byte for byte. */
const CONTENT = /"(?:content|reasoning|arguments|name)"\s*:\s*"(?!")/;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Reads one whole event, its closing blank line included. An event without usage or error passes byte for byte. The
 * gateway always asks Groq for usage, so the chunk that carries it is hidden from a client that did not; the usage in
 * `x_groq`, which Groq sends always, stays.
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
  const carriesUsage = isObject(chunk.usage);
  if (failed || !carriesUsage) return { ...plain, usage, failed };
  if (includeUsage) {
    if (usage === undefined) return plain;
    return { forward: renderSseData({ ...chunk, x_gateway: annotate(usage) }), usage, failed };
  }
  const { usage: _hidden, ...rest } = chunk;
  const isExtraChunk = Array.isArray(chunk.choices) && chunk.choices.length === 0;
  return { forward: isExtraChunk ? undefined : renderSseData(rest), usage, failed };
}

/** Whether an event brings something that a model has made: text, thought, or a part of a call of a tool. */
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
