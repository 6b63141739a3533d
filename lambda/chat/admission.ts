import { type KeyScope, keyLimitsFor } from '../access/key-scope.ts';
import type { Clock } from '../kernel/clock.ts';
import { type PicoUsd, subtractUsd } from '../kernel/money.ts';
import { periodAt } from '../kernel/period.ts';
import { rateCostUs } from '../kernel/rate-limit.ts';
import { MAX_FUNDS_WAIT_MS } from '../ledger/ledger.ts';
import type { Budgets, Ledger, LedgerKey, ReserveResult } from '../ledger/ports.ts';
import {
  type LedgerView,
  type ReserveRefusal,
  type ReserveTerms,
  type Settlement,
  VOID,
} from '../ledger/reservation.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { affordableOutputTokens } from '../pricing/pricing.ts';
import { type BoundedCall, limitOutput } from './bounded-call.ts';
import {
  type BudgetBalance,
  balanceAtRefusal,
  couldBecomeAffordable,
  exponentialBackoff,
  waitForBudget,
} from './budget-wait.ts';
import { MIN_DEFAULT_OUTPUT_TOKENS } from './decide.ts';

/** How often a call that may wait for a place asks whether one is free, in milliseconds; each time is a write. */
const CONCURRENCY_POLL_INTERVAL_MS = 100;
/** The most attempts one call makes, whatever the clock says. */
const MAX_ATTEMPTS = 1_000;
/** How long after its deadline a reservation may be taken for spent, in milliseconds: clocks differ, writes are late. */
const EXPIRY_MARGIN_MS = 15_000;

/** An admitted call, its output limit perhaps lowered to what the budget pays. */
export type AdmittedCall = {
  readonly key: LedgerKey;
  readonly terms: ReserveTerms;
  readonly call: BoundedCall;
  readonly view: LedgerView;
};

/** What admission came to. */
export type AdmissionResult =
  | { readonly admitted: AdmittedCall }
  | { readonly refused: ReserveRefusal; readonly view: LedgerView };

/** What a call to be admitted brings along. */
export type AdmissionRequest = {
  readonly id: string;
  readonly keyId: string;
  readonly scope?: KeyScope | undefined;
  readonly policy: TeamPolicy;
  readonly call: BoundedCall;
  readonly deadlineEpochMs: number;
  /** What the call has already waited of the policy's `maxQueueMs`. */
  readonly queuedMs: number;
  /** Told each time before the call waits: until then it may be on its way to Groq within milliseconds. */
  onWait?(): void;
  /** The output tokens such a call usually stays within, where known; asked anew at each try. */
  typicalOutputTokens(): number | undefined;
};

/**
 * Reserves a call's worst case. A call over its rate waits as long as the policy's `maxQueueMs`; one that does not fit
 * because others hold the money waits for them to settle. When a client left the output's length to the gateway and
 * the whole allowance does not fit, the gateway holds what such calls usually need; and when nobody else holds anything,
 * what the rest of the budget pays, rather than refuse.
 */
export async function admit(
  ports: { ledger: Ledger; clock: Clock },
  request: AdmissionRequest,
): Promise<AdmissionResult> {
  const { ledger, clock } = ports;
  const { policy, call } = request;
  const startMs = clock.nowEpochMs();
  const nextBackoffMs = exponentialBackoff(clock);
  let fitted = call;
  for (let attempt = 1; ; attempt++) {
    const nowEpochMs = clock.nowEpochMs();
    const key = { team: policy.team, period: periodAt(nowEpochMs) };
    const terms = reserveTermsFor(request, fitted, nowEpochMs);
    const budgets = { team: policy.monthlyBudgetPicoUsd, organization: policy.organizationCapPicoUsd };
    const result = await reserveOrRelease(ledger, key, budgets, terms);
    if (result.kind === 'reserved') return { admitted: { key, terms, call: fitted, view: result.view } };
    const { refused, view } = result;
    const waitedMs = clock.nowEpochMs() - startMs;
    const leftMs = request.deadlineEpochMs - clock.nowEpochMs();
    if ('why' in refused || refused.reason === 'key_revoked' || attempt >= MAX_ATTEMPTS) return { refused, view };
    if ('reclaimablePicoUsd' in refused) {
      const typical = clampTypicalTokens(request);
      const rest = balanceAtRefusal(refused, view);
      const lower = fitToBalance(request, rest, fitted.maxOutputTokens, typical);
      if (lower !== undefined) {
        fitted = limitOutput(call, lower);
        continue;
      }
      fitted = call;
      const budgetWaitMs = Math.min(MAX_FUNDS_WAIT_MS - waitedMs, leftMs);
      const minCostPicoUsd = minOutputCost(request);
      if (budgetWaitMs <= 0 || !couldBecomeAffordable(rest, minCostPicoUsd)) return { refused, view };
      request.onWait?.();
      const { reason } = refused;
      // What other teams hold, and what of it lies idle again, only a draw finds out.
      if (reason === 'organization_budget_exceeded') await clock.sleep(Math.min(budgetWaitMs, nextBackoffMs()));
      else {
        const wanted = reserveTermsFor(request, typical === undefined ? call : limitOutput(call, typical), nowEpochMs);
        await waitForBudget(ports, {
          key,
          terms: wanted,
          minCostPicoUsd,
          reason,
          maxWaitMs: budgetWaitMs,
          nextBackoffMs,
        });
      }
    } else {
      // A bucket says when it has enough; a place comes free when some call ends.
      const queueMs = refused.reason === 'concurrency_exceeded' ? CONCURRENCY_POLL_INTERVAL_MS : refused.retryAfterMs;
      if (waitedMs + queueMs > Math.min(policy.maxQueueMs - request.queuedMs, leftMs)) return { refused, view };
      request.onWait?.();
      await clock.sleep(queueMs);
    }
  }
}

/** Reserves; when the ledger fails, its write may still have happened, and nothing will be sent, so it is let go. */
async function reserveOrRelease(
  ledger: Ledger,
  key: LedgerKey,
  budgets: Budgets,
  terms: ReserveTerms,
): Promise<ReserveResult> {
  try {
    return await ledger.reserve(key, budgets, terms);
  } catch (error) {
    // Most likely this fails too; then the reservation expires by its own time.
    await ledger.settle(key, terms, fullRefund(terms)).catch(() => undefined);
    throw error;
  }
}

/** How a call ends that was never sent. */
export function fullRefund({ tpmCostUs, key }: ReserveTerms): Settlement {
  return { ...VOID, tpmRefundUs: tpmCostUs, keyTpmRefundUs: key?.tpmCostUs ?? 0 };
}

function reserveTermsFor(request: AdmissionRequest, call: BoundedCall, nowEpochMs: number): ReserveTerms {
  const { policy } = request;
  const tokens = call.maxTokens;
  const key = keyLimitsFor(request.keyId, request.scope ?? {}, tokens);
  return {
    reservation: {
      id: request.id,
      maxCostPicoUsd: call.maxCostPicoUsd,
      tokens,
      model: call.model.id,
      keyId: request.keyId,
      expiresAtEpochMs: request.deadlineEpochMs + EXPIRY_MARGIN_MS,
    },
    nowEpochMs,
    maxConcurrent: policy.maxConcurrent,
    rpmCostUs: rateCostUs(1, policy.rateLimitRpm),
    tpmCostUs: rateCostUs(tokens, policy.rateLimitTpm),
    ...(key === undefined ? {} : { key }),
  };
}

/** A smaller output limit under which a call fits what is available, if it may have one and it is worth having. */
function fitToBalance(
  request: AdmissionRequest,
  { availablePicoUsd, reservedPicoUsd }: BudgetBalance,
  tried: number,
  typical: number | undefined,
): number | undefined {
  const { call } = request;
  if (isOutputFixed(request)) return undefined;
  const affordable = affordableOutputTokens(call.model, subtractUsd(availablePicoUsd, call.maxInputCostPicoUsd));
  const fitted = typical !== undefined && typical <= affordable ? typical : reservedPicoUsd === 0n ? affordable : -1;
  return fitted < tried && fitted >= minOutputTokens(request) ? fitted : undefined;
}

function clampTypicalTokens({ call, typicalOutputTokens }: AdmissionRequest): number | undefined {
  const typical = call.hasRequestedMaxTokens ? undefined : typicalOutputTokens();
  return typical === undefined
    ? undefined
    : Math.min(call.maxOutputTokens, Math.max(typical, MIN_DEFAULT_OUTPUT_TOKENS));
}

/** Whether a call's length may not be changed: its client stated it, and the team would rather be refused. */
function isOutputFixed({ call, policy }: AdmissionRequest): boolean {
  return call.hasRequestedMaxTokens && policy.whenLow === 'refuse';
}

function minOutputTokens(request: AdmissionRequest): number {
  const { call } = request;
  return isOutputFixed(request) ? call.maxOutputTokens : Math.min(call.maxOutputTokens, MIN_DEFAULT_OUTPUT_TOKENS);
}

function minOutputCost(request: AdmissionRequest): PicoUsd {
  return limitOutput(request.call, minOutputTokens(request)).maxCostPicoUsd;
}
