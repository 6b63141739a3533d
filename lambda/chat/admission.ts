import { type KeyScope, keyTermsOf } from '../access/key-scope.ts';
import type { Clock } from '../kernel/clock.ts';
import type { PicoUsd } from '../kernel/money.ts';
import { periodOf } from '../kernel/period.ts';
import { rateCostUs } from '../kernel/rate-limit.ts';
import { WAITED_FOR_MS } from '../ledger/ledger.ts';
import type { Budgets, Ledger, LedgerKey, ReserveResult } from '../ledger/ports.ts';
import {
  type LedgerView,
  type ReserveRefusal,
  type ReserveTerms,
  type Settlement,
  VOID,
} from '../ledger/reservation.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { affordableOutputTokens, worstCaseCost } from '../pricing/pricing.ts';
import { type BoundedCall, LEAST_CHOSEN_TOKENS } from './decide.ts';
import { doublingPauses, isWorthWaiting, type Rest, restOf, waitForMoney } from './money-wait.ts';

/** How often a call that may wait for a place asks whether one is free, in milliseconds; each time is a write. */
const PLACE_EVERY_MS = 100;
/** The most attempts one call makes, whatever the clock says. */
const MAX_ATTEMPTS = 1_000;
/** How long after its deadline a reservation may be taken for spent, in milliseconds: clocks differ, writes are late. */
const EXPIRY_MARGIN_MS = 15_000;

/** An admitted call: what it holds, and how much output it may make. */
export type Admitted = {
  readonly key: LedgerKey;
  readonly terms: ReserveTerms;
  readonly maxOutputTokens: number;
  readonly view: LedgerView;
};

/** What admission came to. */
export type Admission =
  | { readonly admitted: Admitted }
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
  usualOutputTokens(): number | undefined;
};

/**
 * Reserves a call's worst case. A call over its rate waits as long as the policy's `maxQueueMs`; one that does not fit
 * because others hold the money waits for them to settle. When a client left the output's length to the gateway and
 * the whole allowance does not fit, the gateway holds what such calls usually need; and when nobody else holds anything,
 * what the rest of the budget pays, rather than refuse.
 */
export async function admit(ports: { ledger: Ledger; clock: Clock }, request: AdmissionRequest): Promise<Admission> {
  const { ledger, clock } = ports;
  const { policy, call } = request;
  const startMs = clock.nowEpochMs();
  const pauseMs = doublingPauses(clock);
  let maxOutputTokens = call.maxOutputTokens;
  for (let attempt = 1; ; attempt++) {
    const nowEpochMs = clock.nowEpochMs();
    const key = { team: policy.team, period: periodOf(nowEpochMs) };
    const terms = termsFor(request, maxOutputTokens, nowEpochMs);
    const budgets = { team: policy.monthlyBudgetPicoUsd, organization: policy.organizationCapPicoUsd };
    const result = await reserveOrLetGo(ledger, key, budgets, terms);
    if (result.kind === 'reserved') return { admitted: { key, terms, maxOutputTokens, view: result.view } };
    const { refused, view } = result;
    const waitedMs = clock.nowEpochMs() - startMs;
    const leftMs = request.deadlineEpochMs - clock.nowEpochMs();
    if ('why' in refused || refused.reason === 'key_revoked' || attempt >= MAX_ATTEMPTS) return { refused, view };
    if ('awaitedPicoUsd' in refused) {
      const usual = usualTokens(request);
      const rest = restOf(refused, view);
      const fitted = fitToRest(request, rest, maxOutputTokens, usual);
      if (fitted !== undefined) {
        maxOutputTokens = fitted;
        continue;
      }
      maxOutputTokens = call.maxOutputTokens;
      const heldWaitMs = Math.min(WAITED_FOR_MS - waitedMs, leftMs);
      const leastPicoUsd = leastCost(request);
      if (heldWaitMs <= 0 || !isWorthWaiting(rest, leastPicoUsd)) return { refused, view };
      request.onWait?.();
      const { reason } = refused;
      // What other teams hold, and what of it lies idle again, only a draw finds out.
      if (reason === 'organization_budget_exceeded') await clock.sleep(Math.min(heldWaitMs, pauseMs()));
      else {
        const wanted = termsFor(request, usual ?? maxOutputTokens, nowEpochMs);
        await waitForMoney(ports, { key, terms: wanted, leastPicoUsd, reason, mostMs: heldWaitMs, pauseMs });
      }
    } else {
      // A bucket says when it has enough; a place comes free when some call ends.
      const queueMs = refused.reason === 'concurrency_exceeded' ? PLACE_EVERY_MS : refused.retryAfterMs;
      if (waitedMs + queueMs > Math.min(policy.maxQueueMs - request.queuedMs, leftMs)) return { refused, view };
      request.onWait?.();
      await clock.sleep(queueMs);
    }
  }
}

/** Reserves; when the ledger fails, its write may still have happened, and nothing will be sent, so it is let go. */
async function reserveOrLetGo(
  ledger: Ledger,
  key: LedgerKey,
  budgets: Budgets,
  terms: ReserveTerms,
): Promise<ReserveResult> {
  try {
    return await ledger.reserve(key, budgets, terms);
  } catch (error) {
    // Most likely this fails too; then the reservation expires by its own time.
    await ledger.settle(key, terms, refundOf(terms)).catch(() => undefined);
    throw error;
  }
}

/** How a call ends that was never sent. */
export function refundOf({ tpmCostUs, key }: ReserveTerms): Settlement {
  return { ...VOID, tpmRefundUs: tpmCostUs, keyTpmRefundUs: key?.tpmCostUs ?? 0 };
}

function termsFor(request: AdmissionRequest, maxOutputTokens: number, nowEpochMs: number): ReserveTerms {
  const { policy, call } = request;
  const tokens = call.inputTokens + maxOutputTokens;
  const key = keyTermsOf(request.keyId, request.scope ?? {}, tokens);
  return {
    reservation: {
      id: request.id,
      costPicoUsd: worstCaseCost(call.model, call.inputTokens, maxOutputTokens),
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
function fitToRest(
  request: AdmissionRequest,
  { left, held }: Rest,
  tried: number,
  usual: number | undefined,
): number | undefined {
  const { call } = request;
  if (isFixed(request)) return undefined;
  const affordable = affordableOutputTokens(call.model, call.inputTokens, left);
  const fitted = usual !== undefined && usual <= affordable ? usual : held === 0n ? affordable : -1;
  return fitted < tried && fitted >= leastTokens(request) ? fitted : undefined;
}

function usualTokens({ call, usualOutputTokens }: AdmissionRequest): number | undefined {
  const usual = call.outputStated ? undefined : usualOutputTokens();
  return usual === undefined ? undefined : Math.min(call.maxOutputTokens, Math.max(usual, LEAST_CHOSEN_TOKENS));
}

/** Whether a call's length may not be changed: its client stated it, and the team would rather be refused. */
function isFixed({ call, policy }: AdmissionRequest): boolean {
  return call.outputStated && policy.whenLow === 'refuse';
}

function leastTokens(request: AdmissionRequest): number {
  const { call } = request;
  return isFixed(request) ? call.maxOutputTokens : Math.min(call.maxOutputTokens, LEAST_CHOSEN_TOKENS);
}

function leastCost(request: AdmissionRequest): PicoUsd {
  const { call } = request;
  return worstCaseCost(call.model, call.inputTokens, leastTokens(request));
}
