import { type KeyScope, keyLimitsFor } from '../access/key-scope.ts';
import type { Clock } from '../kernel/clock.ts';
import { periodAt } from '../kernel/period.ts';
import { rateCostUs } from '../kernel/rate-limit.ts';
import type { Budgets, Ledger, LedgerKey, ReserveResult } from '../ledger/ports.ts';
import { type LedgerView, type ReserveTerms, type Settlement, VOID } from '../ledger/reservation.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { nextStep } from './admission-step.ts';
import { exponentialBackoff, waitForBudget } from './budget-wait.ts';
import type { BoundedCall } from './request/bounded-call.ts';

/** The time from a call's deadline to the expiry of its reservation, in milliseconds: clocks differ, writes are late. */
const EXPIRY_MARGIN_MS = 15_000;

/** A call whose maximum cost is reserved. Its output limit may be lower than requested. */
export type AdmittedCall = {
  readonly kind: 'admitted';
  readonly key: LedgerKey;
  readonly terms: ReserveTerms;
  readonly call: BoundedCall;
  readonly view: LedgerView;
};

/** The result of an admission. */
export type AdmissionResult = AdmittedCall | Extract<ReserveResult, { kind: 'refused' }>;

/** A call to admit. */
export type AdmissionRequest = {
  /** The id of the reservation. */
  readonly id: string;
  readonly keyId: string;
  readonly scope?: KeyScope | undefined;
  readonly policy: TeamPolicy;
  readonly call: BoundedCall;
  readonly deadlineEpochMs: number;
  /** The part of the policy's `maxQueueMs` that the call has already used. */
  readonly queuedMs: number;
  /** Called before each wait. Until the first, the call may be on its way to Groq within milliseconds. */
  onWait?(): void;
  /** The output tokens that such a call usually stays within, if known; read again at each attempt. */
  typicalOutputTokens(): number | undefined;
};

/**
 * Reserves a call's maximum cost. A call over a rate limit waits up to the policy's `maxQueueMs`. A call that does not fit
 * because other calls hold the money waits for them to settle. If the gateway chose the output limit, a call that does
 * not fit reserves the typical length of the team's answers instead, or all that the budget still pays when no other
 * call holds money.
 */
export async function admit(
  ports: { ledger: Ledger; clock: Clock },
  request: AdmissionRequest,
): Promise<AdmissionResult> {
  const { ledger, clock } = ports;
  const { policy } = request;
  const budgets = { team: policy.monthlyBudgetPicoUsd, organization: policy.organizationCapPicoUsd };
  const startEpochMs = clock.nowEpochMs();
  const nextBackoffMs = exponentialBackoff(clock);
  let tried = request.call;
  for (let attempts = 1; ; attempts++) {
    const nowEpochMs = clock.nowEpochMs();
    const key = { team: policy.team, period: periodAt(nowEpochMs) };
    const terms = reserveTermsFor(request, tried, nowEpochMs);
    const result = await reserveOrRelease(ledger, key, budgets, terms);
    if (result.kind === 'reserved') return { kind: 'admitted', key, terms, call: tried, view: result.view };
    const typicalOutputTokens = request.typicalOutputTokens();
    const attempt = { ...request, ...result, tried, attempts, startEpochMs, typicalOutputTokens };
    const step = nextStep(attempt, clock.nowEpochMs());
    if (step.kind === 'refuse') return result;
    tried = step.call;
    if (step.kind === 'retry') continue;
    request.onWait?.();
    if (step.kind === 'sleep') await clock.sleep(step.ms);
    else if (step.kind === 'back_off') await clock.sleep(Math.min(step.maxWaitMs, nextBackoffMs()));
    else {
      const wanted = reserveTermsFor(request, step.wanted, nowEpochMs);
      await waitForBudget(ports, { ...step, key, terms: wanted, nextBackoffMs });
    }
  }
}

/** Reserves. If the ledger fails, the write may still have happened, so the reservation is voided: nothing is sent. */
async function reserveOrRelease(
  ledger: Ledger,
  key: LedgerKey,
  budgets: Budgets,
  terms: ReserveTerms,
): Promise<ReserveResult> {
  try {
    return await ledger.reserve(key, budgets, terms);
  } catch (error) {
    // If this fails too, the reservation expires.
    await ledger.settle(key, terms, fullRefund(terms)).catch(() => undefined);
    throw error;
  }
}

/** The settlement of a call that was never sent. */
function fullRefund({ tpmCostUs, key }: ReserveTerms): Settlement {
  return { ...VOID, tpmRefundUs: tpmCostUs, keyTpmRefundUs: key?.tpmCostUs ?? 0 };
}

function reserveTermsFor(request: AdmissionRequest, call: BoundedCall, nowEpochMs: number): ReserveTerms {
  const { policy, keyId } = request;
  const key = keyLimitsFor(keyId, request.scope ?? {}, call.maxTokens);
  return {
    reservation: {
      id: request.id,
      maxCostPicoUsd: call.maxCostPicoUsd,
      tokens: call.maxTokens,
      model: call.model.id,
      keyId,
      expiresAtEpochMs: request.deadlineEpochMs + EXPIRY_MARGIN_MS,
    },
    nowEpochMs,
    maxConcurrent: policy.maxConcurrent,
    rpmCostUs: rateCostUs(1, policy.rateLimitRpm),
    tpmCostUs: rateCostUs(call.maxTokens, policy.rateLimitTpm),
    ...(key === undefined ? {} : { key }),
  };
}
