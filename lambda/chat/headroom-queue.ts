import { FREE_PERCENT, type Headroom, type Priority } from '../groq/headroom.ts';
import type { Shortage } from '../groq/limit-bucket.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { BoundedCall } from './request/bounded-call.ts';

/** The maximum number of checks per call, regardless of time. */
const MAX_HEADROOM_CHECKS = 100;
const LIMIT_UNITS: Readonly<Record<NonNullable<Shortage['low']>['limit'], string>> = {
  requests: 'requests a day',
  tokens: 'tokens a minute',
};

/**
 * A slot for a call that does not have to wait for higher priorities. Its tokens count as in flight until `release`. Release
 * it when Groq's response has reported them, or while the call waits for money; `reacquire` counts them again.
 */
export type HeadroomSlot = { readonly queuedMs: number; release(): void; reacquire(): void };

/**
 * Acquires a slot for a call. If Groq's limits are low for its team's priority, it waits up to the policy's `maxQueueMs`, or
 * refuses. A call that waits has reserved nothing and written nothing.
 */
export async function acquireHeadroom(
  { headroom, clock }: { readonly headroom: Headroom; readonly clock: Clock },
  policy: TeamPolicy,
  call: BoundedCall,
  deadlineEpochMs: number,
): Promise<HeadroomSlot | Refusal> {
  const model = call.model.id;
  const startMs = clock.nowEpochMs();
  for (let checks = 1; ; checks++) {
    const nowEpochMs = clock.nowEpochMs();
    const queuedMs = nowEpochMs - startMs;
    const shortage = headroom.shortage(model, policy.priority, nowEpochMs);
    // Counted without an await in between, so that each of many concurrent calls sees the others.
    if (shortage === undefined) return { queuedMs, ...trackInFlight(headroom, call) };
    const maxWaitMs = Math.min(policy.maxQueueMs - queuedMs, deadlineEpochMs - nowEpochMs);
    if (shortage.retryAfterMs > maxWaitMs || checks >= MAX_HEADROOM_CHECKS)
      return explainShortage(model, policy.priority, shortage);
    await clock.sleep(shortage.retryAfterMs);
  }
}

function trackInFlight(headroom: Headroom, { model, maxTokens }: BoundedCall): Omit<HeadroomSlot, 'queuedMs'> {
  const start = () => headroom.start(model.id, maxTokens);
  let end: (() => void) | undefined = start();
  return {
    release() {
      end?.();
      end = undefined;
    },
    reacquire() {
      end ??= start();
    },
  };
}

function explainShortage(model: string, priority: Priority, { retryAfterMs, low }: Shortage): Refusal {
  const teams = `teams of priority ${priority}`;
  const why =
    low === undefined
      ? `Groq's own limit for ${model} is reached; ${teams} wait until Groq takes calls again.`
      : `Groq's own limit for ${model} is nearly used up: ${low.freePercent} % of ${low.perWindow.toLocaleString('en-US')} ${LIMIT_UNITS[low.limit]} left${low.countsInFlight ? ', counting what requests in flight may use' : ''}; ${teams} wait until ${FREE_PERCENT[priority]} % is free.`;
  return refuse('groq_headroom_low', `${why} Try again in ${retryAfterMs / 1000} s.`, { retryAfterMs });
}
