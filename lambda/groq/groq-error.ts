import { cutText } from '../kernel/cut-text.ts';
import { isObject, type JsonObject, parseObject } from '../kernel/json/json-object.ts';
import { redactSecrets } from '../kernel/key-redaction.ts';

/** An error that Groq itself wrote, in the form of its API. */
export type GroqError = {
  /** The fields that callers receive, without secrets: message and type always, the others where Groq sent them. */
  readonly fields: JsonObject & { readonly message: string; readonly type: string };
  /** True if the model had begun to write when the call failed, so that the call may be billed. */
  readonly hasOutput: boolean;
  /** True if Groq has blocked the organisation because its spend limit is reached. */
  readonly isBlocked: boolean;
};

/** The maximum lengths of the fields that callers receive, in code points. */
const MAX_MESSAGE = 4_000;
const MAX_NAME = 256;
const MAX_GENERATION = 1_000_000;

/**
 * Codes of a spend limit: the documented one (console.groq.com/docs/spend-limits, read 2026-11-30) and the one that Groq
 * was seen to send in production on 2026-07-29 (public issues).
 */
const BLOCKED_CODES = new Set(['blocked_api_access', 'spend_limit_reached']);
/**
 * Codes of errors in what the model wrote. Groq sends that with them as `failed_generation`, without usage, and promises
 * only its 5xx to be free (console.groq.com/docs/errors, read 2026-11-30); the model's reasoning is not part of it.
 */
const OUTPUT_CODES = new Set(['json_validate_failed', 'tool_use_failed', 'output_parse_failed']);
/** The model's output in an error, by any spelling, as a field or quoted in a text. */
const OUTPUT_FIELD = /failed[ _-]?generation/i;
const TERMS_HINT =
  "An administrator of the organisation at Groq must accept this model's terms once, in the playground at https://console.groq.com.";

/** Parses the body of an error response; undefined for anything but Groq's own `{"error": {"message": …}}`. */
export function parseGroqError(text: string, status: number): GroqError | undefined {
  const body = parseObject(text);
  return body === undefined ? undefined : readGroqError(body, status);
}

/** Reads the error in a parsed body or a chunk of a stream; undefined where there is none in Groq's form. */
export function readGroqError(body: JsonObject, status?: number): GroqError | undefined {
  const { error } = body;
  if (!isObject(error) || !ERROR_FIELDS.some((name) => Object.hasOwn(error, name))) return undefined;
  const names = [error.code, error.type].map((name) => (typeof name === 'string' ? name.toLowerCase() : ''));
  const content = JSON.stringify(body, (_name, value) => (value === null ? undefined : value));
  return {
    fields: selectFields(error, status),
    hasOutput: OUTPUT_FIELD.test(content) || names.some((name) => OUTPUT_CODES.has(name)),
    isBlocked: names.some((name) => BLOCKED_CODES.has(name)),
  };
}

const ERROR_FIELDS = ['message', 'type', 'code'] as const;

/** The fields that callers receive. Whatever else an upstream sends may be about the organisation, so it is left out. */
function selectFields(error: JsonObject, status: number | undefined): GroqError['fields'] {
  const code = cleanName(error.code);
  const param = cleanName(error.param);
  const failedGeneration = cleanGeneration(error.failed_generation);
  const said = cleanText(error.message, MAX_MESSAGE) ?? `Groq answered ${status ?? 'with an error'} without a message.`;
  return {
    message: code === 'model_terms_required' ? `${said} ${TERMS_HINT}` : said,
    type: cleanName(error.type) ?? ((status ?? 500) < 500 ? 'invalid_request_error' : 'server_error'),
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
    ...(failedGeneration === undefined ? {} : { failed_generation: failedGeneration }),
  };
}

function cleanText(value: unknown, maxCodePoints: number): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? cutText(redactSecrets(value), maxCodePoints) : undefined;
}

function cleanName(value: unknown): string | undefined {
  return cleanText(typeof value === 'number' ? String(value) : value, MAX_NAME);
}

/** Groq's own type is a text; a value of another type is kept, since clients repair their calls by it. */
function cleanGeneration(value: unknown): unknown {
  if (typeof value === 'string') return cutText(redactSecrets(value), MAX_GENERATION);
  return value === undefined || value === null ? undefined : parseValue(redactSecrets(JSON.stringify(value)));
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
