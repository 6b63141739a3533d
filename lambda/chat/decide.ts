import type { Identity } from '../access/identity.ts';
import { allowedModelsFor } from '../access/model-list.ts';
import { accessLevelFor } from '../access/permissions.ts';
import type { JsonObject } from '../kernel/json-object.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { Catalog, ChatModel } from '../pricing/catalog.ts';
import type { ChatRequest } from './chat-request.ts';
import { maxInputTokens } from './max-input-tokens.ts';

/** A call that policy and catalog allow, with what bounds its cost. */
export type BoundedCall = {
  readonly model: ChatModel;
  /** The retired model the client asked for, where the policy replaces it. */
  readonly replacedModel: string | undefined;
  readonly request: ChatRequest;
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  /** Whether the client stated `maxOutputTokens`, or the gateway chose it. */
  readonly hasRequestedMaxTokens: boolean;
};

/** The fewest output tokens the gateway chooses for a client that states no limit: less is no answer. */
export const MIN_DEFAULT_OUTPUT_TOKENS = 64;

/** Decides whether a team may make a call, by policy and catalog alone; money and rates are the ledger's to judge. */
export function decide(
  identity: Identity,
  policy: TeamPolicy,
  catalog: Catalog,
  request: ChatRequest,
): BoundedCall | Refusal {
  if (accessLevelFor(identity, 'call_models') === 'none') {
    return refuse(
      'forbidden',
      `A key with the role "${identity.role}" reads usage only. Use a member key to call models.`,
    );
  }
  const chosen = chooseModel(policy, catalog, request.model, identity);
  if ('reason' in chosen) return chosen;
  const refusedTool = request.tools.find((tool) => tool.type !== 'function');
  if (refusedTool !== undefined) {
    return refuse(
      'tool_not_priced',
      'Groq charges built-in tools per use on top of tokens, so no budget could hold. Only tools of type "function" are allowed.',
      { param: 'tools' },
    );
  }
  const { model } = chosen;
  const most = Math.min(policy.maxTokensPerRequest ?? model.maxOutputTokens, model.maxOutputTokens);
  if (request.requestedMaxTokens !== undefined && request.requestedMaxTokens > most) {
    const whose = most === policy.maxTokensPerRequest ? `team "${policy.team}"` : `model "${model.id}"`;
    return refuse(
      'max_tokens_exceeded',
      `${request.requestedMaxTokens} output tokens are over the limit of ${most} a request for ${whose}. Ask for ${most} or fewer.`,
      { param: 'max_completion_tokens' },
    );
  }
  const inputTokens = maxInputTokens(model, request);
  const tpm = identity.scope?.tpm;
  const rateLimitTpm =
    policy.rateLimitTpm === null ? (tpm ?? null) : Math.min(policy.rateLimitTpm, tpm ?? policy.rateLimitTpm);
  const fitting = rateLimitTpm === null ? most : Math.min(most, rateLimitTpm - inputTokens);
  // A client that states no limit leaves the choice to the gateway, which then chooses what the team's rate can carry.
  const defaultMaxTokens = fitting >= Math.min(most, MIN_DEFAULT_OUTPUT_TOKENS) ? fitting : most;
  const maxOutputTokens = request.requestedMaxTokens ?? defaultMaxTokens;
  const tokens = inputTokens + maxOutputTokens;
  if (rateLimitTpm !== null && tokens > rateLimitTpm) {
    const whose = rateLimitTpm === policy.rateLimitTpm ? `team "${policy.team}"` : 'this key';
    return refuse(
      'request_exceeds_tpm',
      `Request too large: it may use ${tokens} tokens (${inputTokens} in, ${maxOutputTokens} out), and ${whose} has ${rateLimitTpm} a minute. Shorten it or lower max_completion_tokens.`,
    );
  }
  return {
    ...chosen,
    request,
    inputTokens,
    maxOutputTokens,
    hasRequestedMaxTokens: request.requestedMaxTokens !== undefined,
  };
}

function chooseModel(
  policy: TeamPolicy,
  catalog: Catalog,
  id: string,
  identity: Identity,
): { model: ChatModel; replacedModel: string | undefined } | Refusal {
  const param = 'model';
  const models = allowedModelsFor(policy, identity);
  const whose = identity.scope?.models === undefined ? `Team "${policy.team}"` : 'This key';
  // Only whoever is refused is told, so nobody else's call works it out.
  const allowed = () => `${whose} may use: ${suggestableModels(models, policy, catalog).join(', ')}.`;
  if (catalog.notPriceable.has(id)) {
    return refuse(
      'model_not_priced',
      `The model \`${id}\` has no bounded price, so no budget could hold. ${allowed()}`,
      {
        param,
      },
    );
  }
  const model = catalog.models.get(id);
  if (model === undefined) {
    const name = id.length > 128 ? `${id.slice(0, 128)}…` : id;
    const hint = didYouMean(name, suggestableModels(models, policy, catalog)) || '.';
    return refuse('model_not_found', `The model \`${name}\` does not exist${hint} ${allowed()}`, {
      param,
    });
  }
  if (!models.includes(id)) {
    return refuse('model_not_allowed', `The model \`${id}\` is not allowed. ${allowed()}`, { param });
  }
  if (model.kind !== 'chat') {
    return refuse('invalid_request', `The model \`${id}\` transcribes audio and does not answer chat completions.`, {
      param,
    });
  }
  if (model.status !== 'retired') return { model, replacedModel: undefined };
  const replacement = model.replacement === undefined ? undefined : catalog.models.get(model.replacement);
  if (policy.onRetiredModel === 'replace' && replacement?.kind === 'chat' && replacement.status !== 'retired') {
    return { model: replacement, replacedModel: id };
  }
  const since = model.retiredOn === undefined ? '' : ` on ${model.retiredOn}`;
  const instead = model.replacement === undefined ? '' : ` Use \`${model.replacement}\` instead.`;
  return refuse('model_decommissioned', `Groq retired the model \`${id}\`${since}.${instead}`, { param });
}

/** Whoever is told of models is told of those that answer, as long as there are any. */
function suggestableModels(models: readonly string[], policy: TeamPolicy, catalog: Catalog): readonly string[] {
  const answering = models.filter(
    (id) => policy.onRetiredModel === 'replace' || catalog.models.get(id)?.status !== 'retired',
  );
  return answering.length === 0 ? models : answering;
}

/** The body to send to Groq: the client's own, with the output bounded and, on a stream, the usage asked for. */
export function upstreamBody(call: BoundedCall, maxOutputTokens: number): JsonObject {
  const { max_tokens: _replaced, ...body } = call.request.body;
  const options = call.request.body.stream_options as JsonObject | null | undefined;
  return {
    ...body,
    model: call.model.id,
    max_completion_tokens: maxOutputTokens,
    ...(call.request.stream ? { stream_options: { ...options, include_usage: true } } : {}),
  };
}
