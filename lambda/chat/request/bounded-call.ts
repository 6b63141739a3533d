import type { JsonObject } from '../../kernel/json/json-object.ts';
import { addUsd, type PicoUsd } from '../../kernel/money.ts';
import type { ChatModel } from '../../pricing/catalog.ts';
import { maxInputCost, outputCost } from '../../pricing/pricing.ts';
import type { ChatRequest } from './chat-request.ts';

/** A call that policy and catalog allow, with the upper bounds of its tokens and its cost. */
export type BoundedCall = {
  readonly model: ChatModel;
  /** The retired model that the client requested, if the policy replaces it. */
  readonly replacedModel: string | undefined;
  readonly request: ChatRequest;
  /** True if the client set `maxOutputTokens`, false if the gateway did. */
  readonly hasRequestedMaxTokens: boolean;
  readonly maxInputTokens: number;
  readonly maxInputCostPicoUsd: PicoUsd;
  readonly maxOutputTokens: number;
  /** Input and output. */
  readonly maxTokens: number;
  /** Input and output. */
  readonly maxCostPicoUsd: PicoUsd;
};

/** Computes a call's maximum tokens and cost. The only place that does: everything later reads them from the result. */
export function boundCall(
  call: Pick<BoundedCall, 'model' | 'replacedModel' | 'request' | 'maxInputTokens' | 'maxOutputTokens'>,
): BoundedCall {
  const maxInputCostPicoUsd = maxInputCost(call.model, call.maxInputTokens);
  const hasRequestedMaxTokens = call.request.requestedMaxTokens !== undefined;
  return limitOutput({ ...call, hasRequestedMaxTokens, maxInputCostPicoUsd }, call.maxOutputTokens);
}

/** The same call with another output limit. */
export function limitOutput(
  call: Omit<BoundedCall, 'maxTokens' | 'maxCostPicoUsd'>,
  maxOutputTokens: number,
): BoundedCall {
  return {
    ...call,
    maxOutputTokens,
    maxTokens: call.maxInputTokens + maxOutputTokens,
    maxCostPicoUsd: addUsd(call.maxInputCostPicoUsd, outputCost(call.model, maxOutputTokens)),
  };
}

/** The request body for Groq: the client's own with the output limit set and, for a stream, usage requested. */
export function upstreamBody({ model, request, maxOutputTokens }: BoundedCall): JsonObject {
  const { max_tokens: _replaced, ...body } = request.body;
  const options = request.body.stream_options as JsonObject | null | undefined;
  return {
    ...body,
    model: model.id,
    max_completion_tokens: maxOutputTokens,
    ...(request.stream ? { stream_options: { ...options, include_usage: true } } : {}),
  };
}
