import { parseObject } from '../kernel/json/json-object.ts';
import { toUsdString } from '../kernel/money.ts';
import { rateCostUs } from '../kernel/rate-limit.ts';
import type { CallTrace } from '../ledger/call-trace.ts';
import { type LedgerView, type Settlement, VOID } from '../ledger/reservation.ts';
import { overrunAmount } from '../ledger/settle.ts';
import { chatCost } from '../pricing/pricing.ts';
import { isPossibleUsage, parseUsage, type TokenUsage } from '../pricing/token-usage.ts';
import type { AdmittedCall } from './admission.ts';
import type { ChatCompletionPorts, ChatCompletionRequest } from './chat-completion.ts';
import type { BoundedCall } from './request/bounded-call.ts';

/** The settlement of a call: its actual cost if Groq reported usage, or else its maximum cost, marked assumed. */
export function buildSettlement({ call }: AdmittedCall, trace: CallTrace, usage: TokenUsage | undefined): Settlement {
  const settlement = { ...VOID, kind: 'settle', trace } as const;
  return usage === undefined
    ? { ...settlement, costPicoUsd: call.maxCostPicoUsd, assumed: true }
    : { ...settlement, costPicoUsd: chatCost(call.model, usage), ...usage };
}

/** Settles the reservation. If the ledger cannot be reached, it stays open and expires at its maximum cost. */
export async function settle(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
  { key, terms, call }: AdmittedCall,
  settlement: Settlement,
): Promise<LedgerView | undefined> {
  const { team } = key;
  const { requestId, policy, identity } = request;
  const { completionTokens } = settlement;
  if (completionTokens > 0) ports.outputs.record(team, call.model.id, completionTokens);
  if (settlement.costPicoUsd > call.maxCostPicoUsd) {
    // The maximum was too low, so every figure based on it is in doubt.
    const overrunUsd = toUsdString(overrunAmount(terms.reservation, settlement.costPicoUsd));
    ports.log('overrun', { requestId, team, model: call.model.id, overrunUsd });
  }
  // Groq does not count cached tokens against its tokens per minute, so the team's limit does not either.
  const usedTokens = settlement.assumed
    ? call.maxTokens
    : settlement.promptTokens - settlement.cachedTokens + completionTokens;
  const tpmRefundUs = terms.tpmCostUs - rateCostUs(usedTokens, policy.rateLimitTpm);
  const keyTpmRefundUs = (terms.key?.tpmCostUs ?? 0) - rateCostUs(usedTokens, identity.scope?.tpm ?? null);
  try {
    return await ports.ledger.settle(key, terms, { ...settlement, tpmRefundUs, keyTpmRefundUs });
  } catch (error) {
    ports.log('settlement_failed', { requestId, team, error: error instanceof Error ? error.name : 'unknown' });
    return undefined;
  }
}

/** The usage in the body of a complete response. */
export function parseBodyUsage(body: string): TokenUsage | undefined {
  return parseUsage(parseObject(body)?.usage);
}

/** The usage that a call can have had, or undefined if the reported one is beyond its limits. */
export function keepPossibleUsage(call: BoundedCall, usage: TokenUsage | undefined): TokenUsage | undefined {
  const { maxOutputTokens, model } = call;
  const limits = { maxOutputTokens, contextWindow: model.contextWindow };
  return usage !== undefined && isPossibleUsage(usage, limits) ? usage : undefined;
}
