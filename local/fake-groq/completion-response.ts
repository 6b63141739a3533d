import type { JsonObject } from '../../lambda/kernel/json-object.ts';
import { type Completion, toUsage } from './completion.ts';

/** Groq's shapes of one completion; without usage when a fault takes it away. */
type CompletionResponse = {
  readonly id: string;
  readonly completion: Completion;
  readonly usage: JsonObject | undefined;
};

/** When the fake's models were made, in epoch seconds. */
export const CREATED_S = 1_754_000_000;

/** A whole answer. */
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

/** The chunks of a streamed answer: the head, one a piece, and the tail with usage. */
export function buildChunks(
  shaped: CompletionResponse,
  includeUsage: boolean,
): { head: JsonObject; pieces: JsonObject[]; tail: JsonObject[] } {
  const { id, completion, usage } = shaped;
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

/** The usage a fault leaves of the true one. */
export function applyUsageFault(completion: Completion, fault: string | undefined): JsonObject | undefined {
  if (fault === 'no-usage') return undefined;
  if (fault === 'wrong-usage') return { prompt_tokens: -1, completion_tokens: '24', total_tokens: null };
  if (fault === 'zero-usage') return { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  return toUsage(completion);
}
