import { type PlannedCall, sendCalls } from '../load.ts';
import { type Attack, budgetForCalls, burstFor, measure, type Scenario } from './scenario.ts';

/** A scenario sends this many times the calls that the budget pays for. */
export const OVERLOAD_FACTOR = 4;

/**
 * Upstream faults, one for every fourth call. The 429 asks for no wait, because a wait would delay the other calls, which are
 * not part of the measurement.
 */
const FAULTS = ['429:0', '503-once', 'cut', 'no-usage', 'reset', 'error-chunk'];

/** The targets on which the gateway learns every outcome. */
type Exactness = 'always' | 'locally' | 'never';

function clientScenario(
  id: string,
  title: string,
  plan: (index: number) => PlannedCall,
  { exact = 'always', needs = 'client' }: Partial<Pick<Scenario, 'needs'> & { exact: Exactness }> = {},
): Scenario {
  const run = async (attack: Attack) => {
    const { target, calls } = attack;
    const budgetHandle = await target.openBudget(id, budgetForCalls(attack, calls));
    const burst = { ...burstFor(attack, budgetHandle), count: OVERLOAD_FACTOR * calls, plan };
    const isExact = exact === 'always' || (exact === 'locally' && target.testRig !== undefined);
    // A proxy between client and gateway that aborts a call may abort its settlement, too.
    const mayHold = exact === 'locally' && !isExact;
    return [await measure({ id, title, isExact, mayHold }, target, budgetHandle, () => sendCalls(burst))];
  };
  return { id, title, needs, run };
}

/** The scenarios that need only a client; the last one also needs an upstream that fails on request. */
export const CLIENT_SCENARIOS: readonly Scenario[] = [
  clientScenario('whole', 'whole answers, max_tokens stated', () => ({ stream: false, sendsMaxTokens: true })),
  clientScenario('streamed', 'streams, max_tokens stated', () => ({ stream: true, sendsMaxTokens: true })),
  clientScenario('whole-open', 'whole answers, no max_tokens', () => ({ stream: false, sendsMaxTokens: false })),
  clientScenario('streamed-open', 'streams, no max_tokens', () => ({ stream: true, sendsMaxTokens: false })),
  clientScenario(
    'disconnects',
    'clients hang up mid-stream and mid-wait',
    (index) => {
      const disconnectAt = ([undefined, 'mid-stream', 'mid-wait'] as const)[index % 3];
      const stream = disconnectAt === 'mid-stream' || (disconnectAt === undefined && index % 2 === 0);
      return { stream, sendsMaxTokens: true, ...(disconnectAt === undefined ? {} : { disconnectAt }) };
    },
    // A proxy between client and gateway may handle a disconnect in its own way.
    { exact: 'locally' },
  ),
  clientScenario(
    'faults',
    'every fourth call meets an upstream fault',
    (index) => {
      const fault = index % 4 !== 3 ? undefined : FAULTS[((index - 3) / 4) % FAULTS.length];
      const marker = fault === undefined ? {} : { marker: `[fault:${fault}]` };
      // Alternates whole and streamed responses for each fault.
      return { stream: Math.floor(index / (4 * FAULTS.length)) % 2 === 0, sendsMaxTokens: true, ...marker };
    },
    // The upstream bills responses that never arrive complete; the ledger charges their maximum cost.
    { exact: 'never', needs: 'fake upstream' },
  ),
];
