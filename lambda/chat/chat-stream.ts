import { readGroqError } from '../groq/groq-error.ts';
import { isObject, type JsonObject, parseObject } from '../kernel/json/json-object.ts';
import { parseLossless } from '../kernel/json/lossless-json.ts';
import { parseUsage, type TokenUsage } from '../pricing/token-usage.ts';
import { dearerUsage } from './stream-usage.ts';

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
 * which Groq always sends, stays. Of an error, the client receives the documented fields, without secrets.
 */
export function parseStreamEvent(event: Uint8Array, includeUsage: boolean, annotate: UsageAnnotator): StreamEvent {
  const text = decoder.decode(event);
  const plain: StreamEvent = { forward: event, usage: undefined, failed: false };
  // A name may be written with escapes, so a chunk with any is parsed too.
  if (!text.includes('"usage"') && !text.includes('"error"') && !text.includes('\\u')) return plain;
  const data = readSseData(text);
  const chunk = parseObject(data);
  if (chunk === undefined) return plain;
  const groq = isObject(chunk.x_groq) ? chunk.x_groq : {};
  const error = isSet(chunk.error) ? chunk.error : isSet(groq.error) ? groq.error : undefined;
  if (error !== undefined) return { forward: renderError(error), usage: undefined, failed: true };
  const usage = dearerUsage(parseUsage(chunk.usage), parseUsage(groq.usage));
  if (!isObject(chunk.usage)) return { ...plain, usage };
  if (includeUsage && usage === undefined) return plain;
  const isExtraChunk = Array.isArray(chunk.choices) && chunk.choices.length === 0;
  if (!includeUsage && isExtraChunk) return { forward: undefined, usage, failed: false };
  return { forward: rewriteUsage(data, includeUsage ? usage : undefined, annotate), usage, failed: false };
}

/** True if an event contains output of the model: text, reasoning or part of a tool call. */
export function hasContent(event: Uint8Array): boolean {
  return CONTENT.test(decoder.decode(event));
}

/** True if an event ends the stream in the protocol's own words. */
export function isDone(event: Uint8Array): boolean {
  return event.length < MAX_DONE_BYTES && readSseData(decoder.decode(event)).trim() === '[DONE]';
}

/** The length of an event above which it is not read as the end of a stream, in bytes. */
const MAX_DONE_BYTES = 256;

/**
 * True unless an event shows that it carries no output: it is a comment, the end, or a chunk whose deltas are empty. For
 * events after a usage, which is final only if no output follows; what cannot be read counts as output.
 */
export function mayCarryOutput(event: Uint8Array): boolean {
  const data = readSseData(decoder.decode(event)).trim();
  if (data === '' || data === '[DONE]') return false;
  const chunk = parseObject(data);
  if (chunk === undefined) return true;
  if (!Array.isArray(chunk.choices)) return chunk.choices !== undefined && chunk.choices !== null;
  return chunk.choices.some((choice) => {
    if (!isObject(choice)) return choice !== null;
    const { role: _role, ...delta } = isObject(choice.delta) ? choice.delta : {};
    return [...Object.values(delta), choice.message, choice.text].some(isFilled);
  });
}

/** Renders an object as one server-sent event. */
export function renderSseData(data: JsonObject): Uint8Array {
  return encoder.encode(`data: ${JSON.stringify(data)}\n\n`);
}

function rewriteUsage(data: string, usage: TokenUsage | undefined, annotate: UsageAnnotator): Uint8Array {
  // Parsed anew, so that every number reaches the client digit for digit.
  const chunk = parseLossless(data) as JsonObject;
  if (usage !== undefined) return renderSseData({ ...chunk, x_gateway: annotate(usage) });
  const { usage: _hidden, ...rest } = chunk;
  return renderSseData(rest);
}

function renderError(error: unknown): Uint8Array {
  const known = readGroqError({ error }) ?? readGroqError({ error: { message: error } });
  return renderSseData({ error: { param: null, code: 'groq_stream_failed', ...known?.fields } });
}

/** The data of an event: its lines named `data`, whatever ends them (HTML standard, "server-sent events", read 2026-11-30). */
function readSseData(text: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5))
    .join('\n');
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function isFilled(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isSet(value);
  return Object.keys(value).length > 0;
}
