import type { Identity } from '../../access/identity.ts';
import { accessLevelFor } from '../../access/permissions.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import type { TeamPolicy } from '../../policy/environment.ts';
import type { Catalog, ChatModel } from '../../pricing/catalog.ts';
import { type BoundedCall, boundCall } from './bounded-call.ts';
import type { ChatRequest } from './chat-request.ts';
import { chooseModel } from './choose-model.ts';
import { maxInputTokens } from './max-input-tokens.ts';

/** The minimum output limit that the gateway sets for a client that sets none: fewer tokens are no useful answer. */
export const MIN_DEFAULT_OUTPUT_TOKENS = 64;

/** Decides by policy and catalog alone if a key may make a call. The ledger checks money and rates later. */
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
  const choice = chooseModel(policy, catalog, request.model, identity);
  if ('reason' in choice) return choice;
  if (request.tools.some((tool) => tool.type !== 'function')) {
    return refuse(
      'tool_not_priced',
      'Groq charges built-in tools per use on top of tokens, so no budget could hold. Only tools of type "function" are allowed.',
      { param: 'tools' },
    );
  }
  const limits = boundTokens(identity, policy, choice.model, request);
  return 'reason' in limits ? limits : boundCall({ ...choice, request, ...limits });
}

/** The maximum input and output tokens of a request, or the refusal of one that is over a limit per request or minute. */
function boundTokens(
  { scope }: Identity,
  policy: TeamPolicy,
  model: ChatModel,
  request: ChatRequest,
): Pick<BoundedCall, 'maxInputTokens' | 'maxOutputTokens'> | Refusal {
  const requestLimit = Math.min(policy.maxTokensPerRequest ?? model.maxOutputTokens, model.maxOutputTokens);
  if (request.requestedMaxTokens !== undefined && request.requestedMaxTokens > requestLimit) {
    const owner = requestLimit === policy.maxTokensPerRequest ? `team "${policy.team}"` : `model "${model.id}"`;
    return refuse(
      'max_tokens_exceeded',
      `${request.requestedMaxTokens} output tokens are over the limit of ${requestLimit} a request for ${owner}. Ask for ${requestLimit} or fewer.`,
      { param: 'max_completion_tokens' },
    );
  }
  const inputTokens = maxInputTokens(model, request);
  const tokensPerMinute = Math.min(
    policy.rateLimitTpm ?? Number.POSITIVE_INFINITY,
    scope?.tpm ?? Number.POSITIVE_INFINITY,
  );
  // Without a limit from the client, the gateway chooses one that fits the tokens per minute, unless that is too short.
  const fitting = Math.min(requestLimit, tokensPerMinute - inputTokens);
  const isUseful = fitting >= Math.min(requestLimit, MIN_DEFAULT_OUTPUT_TOKENS);
  const maxOutputTokens = request.requestedMaxTokens ?? (isUseful ? fitting : requestLimit);
  const tokens = inputTokens + maxOutputTokens;
  if (tokens > tokensPerMinute) {
    const owner = tokensPerMinute === policy.rateLimitTpm ? `team "${policy.team}"` : 'this key';
    return refuse(
      'request_exceeds_tpm',
      `Request too large: it may use ${tokens} tokens (${inputTokens} in, ${maxOutputTokens} out), and ${owner} has ${tokensPerMinute} a minute. Shorten it or lower max_completion_tokens.`,
    );
  }
  return { maxInputTokens: inputTokens, maxOutputTokens };
}
