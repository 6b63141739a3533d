import type { JsonObject } from '../../lambda/kernel/json/json-object.ts';
import { type Completion, toUsage } from './completion.ts';

/** A completion to shape as Groq does. `usage` is undefined if a fault removes it. */
type CompletionResponse = {
  readonly id: string;
  readonly completion: Completion;
  readonly usage: JsonObject | undefined;
};

/** The creation time of the fake's models, in epoch seconds. */
const CREATED_S = 1_754_000_000;
/** The context window of the fake's models, in tokens. */
export const CONTEXT_WINDOW = 131_072;

/** Builds the body of a whole response. */
export function buildResponse({ id, completion, usage }: CompletionResponse): JsonObject {
  const { toolCall, pieces, finishReason, model } = completion;
  const message =
    toolCall === undefined
      ? { role: 'assistant', content: pieces.join('') }
      : { role: 'assistant', content: null, tool_calls: [{ id: `call_${id}`, type: 'function', function: toolCall }] };
  return {
    id,
    object: 'chat.completion',
    created: CREATED_S,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
    ...(usage === undefined ? {} : { usage }),
    system_fingerprint: 'fp_fake',
    x_groq: { id: `req_${id}` },
    service_tier: 'on_demand',
  };
}

/** Builds the chunks of a streamed response: the head, one per piece, and the tail with usage. */
export function buildChunks(
  { id, completion, usage }: CompletionResponse,
  includeUsage: boolean,
): { head: JsonObject; pieces: JsonObject[]; tail: JsonObject[] } {
  const { toolCall } = completion;
  const chunk = (delta: JsonObject, more: JsonObject = {}, finishReason: string | null = null): JsonObject => ({
    id,
    object: 'chat.completion.chunk',
    created: CREATED_S,
    model: completion.model,
    system_fingerprint: 'fp_fake',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...more,
  });
  const groqId = `req_${id}`;
  const pieces = completion.pieces.map((content) => chunk({ content }));
  if (toolCall !== undefined)
    pieces.push(chunk({ tool_calls: [{ index: 0, id: `call_${id}`, type: 'function', function: toolCall }] }));
  const tail = [
    chunk({}, { x_groq: { id: groqId, ...(usage === undefined ? {} : { usage }) } }, completion.finishReason),
  ];
  if (includeUsage && usage !== undefined)
    tail.push({ ...chunk({}), choices: [], usage, x_groq: { id: groqId, usage } });
  return { head: chunk({ role: 'assistant', content: '' }, { x_groq: { id: groqId } }), pieces, tail };
}

/** The usage of a completion after a fault is applied. */
export function applyUsageFault(completion: Completion, fault: string | undefined): JsonObject | undefined {
  if (fault === 'no-usage') return undefined;
  if (fault === 'wrong-usage') return { prompt_tokens: -1, completion_tokens: '24', total_tokens: null };
  if (fault === 'zero-usage') return { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  return toUsage(completion);
}
