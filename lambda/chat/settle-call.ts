import { parseObject } from '../kernel/json-object.ts';
import { toUsdString } from '../kernel/money.ts';
import { rateCostUs } from '../kernel/rate-limit.ts';
import type { CallTrace } from '../ledger/call-trace.ts';
import { overrunAmount } from '../ledger/ledger.ts';
import { type LedgerView, type Settlement, VOID } from '../ledger/reservation.ts';
import { chatCost } from '../pricing/pricing.ts';
import { parseUsage, type TokenUsage } from '../pricing/token-usage.ts';
import type { AdmittedCall } from './admission.ts';
import type { BoundedCall } from './bounded-call.ts';
import type { ChatCompletionPorts, ChatCompletionRequest } from './chat-completion.ts';

/** The settlement of a call that reported its usage, or else at its bound. */
export function buildSettlement(
  call: BoundedCall,
  admitted: AdmittedCall,
  trace: CallTrace,
  usage: TokenUsage | undefined,
): Settlement {
  const { reservation } = admitted.terms;
  if (usage === undefined) {
    return { ...VOID, kind: 'settle', costPicoUsd: reservation.maxCostPicoUsd, assumed: true, trace };
  }
  return { ...VOID, kind: 'settle', costPicoUsd: chatCost(call.model, usage), ...usage, trace };
}

/** Ends the reservation; a ledger that cannot be reached leaves it open, to expire at its bound. */
export async function settle(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
  admitted: AdmittedCall,
  settlement: Settlement,
): Promise<LedgerView | undefined> {
  const { key, terms } = admitted;
  if (settlement.completionTokens > 0)
    ports.outputs.record(key.team, terms.reservation.model, settlement.completionTokens);
  const { maxCostPicoUsd, model } = terms.reservation;
  if (settlement.costPicoUsd > maxCostPicoUsd) {
    // The bound was no bound: every figure that rests on it is in doubt.
    const overrunUsd = toUsdString(overrunAmount(terms.reservation, settlement.costPicoUsd));
    ports.log('overrun', { requestId: request.requestId, team: key.team, model, overrunUsd });
  }
  // Cached tokens do not count against Groq's tokens per minute, so they do not count against the team's.
  const used = settlement.assumed
    ? terms.reservation.tokens
    : settlement.promptTokens - settlement.cachedTokens + settlement.completionTokens;
  const tpmRefundUs = terms.tpmCostUs - rateCostUs(used, request.policy.rateLimitTpm);
  const keyTpmRefundUs = (terms.key?.tpmCostUs ?? 0) - rateCostUs(used, request.identity.scope?.tpm ?? null);
  try {
    return await ports.ledger.settle(key, terms, { ...settlement, tpmRefundUs, keyTpmRefundUs });
  } catch (error) {
    ports.log('settlement_failed', {
      requestId: request.requestId,
      team: key.team,
      error: error instanceof Error ? error.name : 'unknown',
    });
    return undefined;
  }
}

export function parseBodyUsage(body: string): TokenUsage | undefined {
  return parseUsage(parseObject(body)?.usage);
}
