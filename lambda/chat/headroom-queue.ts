import { FREE_PERCENT, type Headroom } from '../groq/headroom.ts';
import type { Shortage } from '../groq/limit-bucket.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { BoundedCall } from './bounded-call.ts';

/** The most times one call waits and looks again, whatever the clock says. */
const MAX_HEADROOM_CHECKS = 100;
const LIMIT_UNITS: Readonly<Record<NonNullable<Shortage['low']>['limit'], string>> = {
  requests: 'requests a day',
  tokens: 'tokens a minute',
};

/**
 * A call that need not wait for those of higher priority. It counts as under way until `release`, which must be called when
 * Groq has told of it, and meanwhile where it waits for something else; `reacquire` counts it again.
 */
export type HeadroomSlot = { readonly queuedMs: number; release(): void; reacquire(): void };

/**
 * Lets a call in unless Groq's limits are low for its team's priority; waits for them as long as the policy's
 * `maxQueueMs`. Nothing is reserved for a call that is held back, and nothing is written.
 */
export async function acquireHeadroom(
  { headroom, clock }: { readonly headroom: Headroom; readonly clock: Clock },
  policy: TeamPolicy,
  call: BoundedCall,
  deadlineEpochMs: number,
): Promise<HeadroomSlot | Refusal> {
  const model = call.model.id;
  const startMs = clock.nowEpochMs();
  for (let looks = 1; ; looks++) {
    const nowEpochMs = clock.nowEpochMs();
    const queuedMs = nowEpochMs - startMs;
    const shortage = headroom.shortage(model, policy.priority, nowEpochMs);
    // Counted at once: of many calls that come together, each must see those before it.
    if (shortage === undefined) return { queuedMs, ...trackInFlight(headroom, call) };
    const maxWaitMs = Math.min(policy.maxQueueMs - queuedMs, deadlineEpochMs - nowEpochMs);
    if (shortage.retryAfterMs > maxWaitMs || looks >= MAX_HEADROOM_CHECKS)
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

function explainShortage(model: string, priority: TeamPolicy['priority'], { retryAfterMs, low }: Shortage): Refusal {
  const who = `teams of priority ${priority}`;
  const why =
    low === undefined
      ? `Groq's own limit for ${model} is reached; ${who} wait until Groq takes calls again.`
      : `Groq's own limit for ${model} is nearly used up: ${low.freePercent} % of ${low.perWindow.toLocaleString('en-US')} ${LIMIT_UNITS[low.limit]} left${low.countsInFlight ? ', counting what requests in flight may use' : ''}; ${who} wait until ${FREE_PERCENT[priority]} % is free.`;
  return refuse('groq_headroom_low', `${why} Try again in ${retryAfterMs / 1000} s.`, { retryAfterMs });
}
