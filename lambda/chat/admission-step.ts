import { type PicoUsd, subtractUsd } from '../kernel/money.ts';
import type { LedgerView, ReserveRefusal } from '../ledger/reservation.ts';
import { MAX_FUNDS_WAIT_MS } from '../ledger/reserved-money.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { affordableOutputTokens } from '../pricing/pricing.ts';
import { type BudgetBalance, type BudgetRefusal, balanceAtRefusal, couldBecomeAffordable } from './budget-balance.ts';
import { type BoundedCall, limitOutput } from './request/bounded-call.ts';
import { MIN_DEFAULT_OUTPUT_TOKENS } from './request/decide.ts';

/** The interval at which a call polls for a free concurrency slot, in milliseconds; each poll is a write. */
const CONCURRENCY_POLL_INTERVAL_MS = 100;
/** The maximum number of attempts to reserve per call, regardless of time. */
const MAX_ATTEMPTS = 1_000;

/** An attempt to reserve that the ledger refused. */
export type RefusedAttempt = {
  /** The call with its full output limit. */
  readonly call: BoundedCall;
  /** The call as attempted, its output limit perhaps lowered. */
  readonly tried: BoundedCall;
  readonly refused: ReserveRefusal;
  readonly view: Pick<LedgerView, 'availablePicoUsd'>;
  /** Attempts so far, this one included. */
  readonly attempts: number;
  readonly startEpochMs: number;
  readonly deadlineEpochMs: number;
  /** The part of the policy's `maxQueueMs` that the call had used before it started. */
  readonly queuedMs: number;
  readonly policy: Pick<TeamPolicy, 'whenLow' | 'maxQueueMs'>;
  /** The length of the team's recent answers, if known. */
  readonly typicalOutputTokens: number | undefined;
};

/** The step after a refused attempt; `call` is what to reserve next. */
export type AdmissionStep =
  | { readonly kind: 'refuse' }
  | { readonly kind: 'retry'; readonly call: BoundedCall }
  | { readonly kind: 'sleep'; readonly call: BoundedCall; readonly ms: number }
  /** Sleep with backoff: only another reserve shows what other teams have returned to the organisation. */
  | { readonly kind: 'back_off'; readonly call: BoundedCall; readonly maxWaitMs: number }
  /** Watch the team's ledger until `wanted` may fit. */
  | ({ readonly kind: 'watch_ledger'; readonly call: BoundedCall } & LedgerWatch);

/** The wait of a call for money of its team's ledger. */
export type LedgerWatch = {
  readonly reason: Exclude<BudgetRefusal['reason'], 'organization_budget_exceeded'>;
  readonly wanted: BoundedCall;
  /** The cost of the shortest answer that the call accepts. */
  readonly minCostPicoUsd: PicoUsd;
  readonly maxWaitMs: number;
};

const REFUSE: AdmissionStep = { kind: 'refuse' };

/** Decides whether a refused call gives up, waits, or tries again with a lower output limit. */
export function nextStep(attempt: RefusedAttempt, nowEpochMs: number): AdmissionStep {
  const { refused } = attempt;
  if ('why' in refused || refused.reason === 'key_revoked' || attempt.attempts >= MAX_ATTEMPTS) return REFUSE;
  if ('reclaimablePicoUsd' in refused) return nextBudgetStep(attempt, refused, nowEpochMs);
  // A rate limit knows when it has room again; a concurrency slot becomes free whenever a call ends.
  const ms = refused.reason === 'concurrency_exceeded' ? CONCURRENCY_POLL_INTERVAL_MS : refused.retryAfterMs;
  const maxWaitMs = Math.min(attempt.policy.maxQueueMs - attempt.queuedMs, attempt.deadlineEpochMs - nowEpochMs);
  if (nowEpochMs - attempt.startEpochMs + ms > maxWaitMs) return REFUSE;
  return { kind: 'sleep', call: attempt.tried, ms };
}

function nextBudgetStep(attempt: RefusedAttempt, refused: BudgetRefusal, nowEpochMs: number): AdmissionStep {
  const { call, startEpochMs, deadlineEpochMs } = attempt;
  const { reason } = refused;
  const balance = balanceAtRefusal(refused, attempt.view);
  const typicalTokens = clampTypicalTokens(attempt);
  const fittedTokens = fitToBalance(attempt, balance, typicalTokens);
  if (fittedTokens !== undefined) return { kind: 'retry', call: limitOutput(call, fittedTokens) };
  const maxWaitMs = Math.min(MAX_FUNDS_WAIT_MS - (nowEpochMs - startEpochMs), deadlineEpochMs - nowEpochMs);
  const minCostPicoUsd = limitOutput(call, minOutputTokens(attempt)).maxCostPicoUsd;
  if (maxWaitMs <= 0 || !couldBecomeAffordable(balance, minCostPicoUsd)) return REFUSE;
  if (reason === 'organization_budget_exceeded') return { kind: 'back_off', call, maxWaitMs };
  const wanted = typicalTokens === undefined ? call : limitOutput(call, typicalTokens);
  return { kind: 'watch_ledger', call, reason, wanted, minCostPicoUsd, maxWaitMs };
}

/** A lower output limit that the balance pays: the typical length, or all that is affordable if nobody else holds money. */
function fitToBalance(
  attempt: RefusedAttempt,
  { availablePicoUsd, reservedPicoUsd }: BudgetBalance,
  typicalTokens: number | undefined,
): number | undefined {
  const { call, tried } = attempt;
  if (isOutputFixed(attempt)) return undefined;
  const affordable = affordableOutputTokens(call.model, subtractUsd(availablePicoUsd, call.maxInputCostPicoUsd));
  const canPayTypical = typicalTokens !== undefined && typicalTokens <= affordable;
  const fitted = canPayTypical ? typicalTokens : reservedPicoUsd === 0n ? affordable : -1;
  return fitted < tried.maxOutputTokens && fitted >= minOutputTokens(attempt) ? fitted : undefined;
}

function clampTypicalTokens({ call, typicalOutputTokens }: RefusedAttempt): number | undefined {
  if (call.hasRequestedMaxTokens || typicalOutputTokens === undefined) return undefined;
  return Math.min(call.maxOutputTokens, Math.max(typicalOutputTokens, MIN_DEFAULT_OUTPUT_TOKENS));
}

/** True if the client set the output limit and the team prefers a refusal to a shorter answer. */
function isOutputFixed({ call, policy }: RefusedAttempt): boolean {
  return call.hasRequestedMaxTokens && policy.whenLow === 'refuse';
}

function minOutputTokens(attempt: RefusedAttempt): number {
  const { maxOutputTokens } = attempt.call;
  return isOutputFixed(attempt) ? maxOutputTokens : Math.min(maxOutputTokens, MIN_DEFAULT_OUTPUT_TOKENS);
}
