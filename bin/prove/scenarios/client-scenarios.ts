import { type PlannedCall, sendCalls } from '../load.ts';
import { type Attack, budgetForCalls, burstFor, measure, type Scenario } from './scenario.ts';

/** How many times more calls are fired than the budget pays. */
export const OVERLOAD_FACTOR = 4;

/**
 * What goes wrong upstream: three of four calls are sound, the others meet one of these each. Groq's 429 asks for no wait,
 * or it would hold back the calls beside it, which are not what is measured.
 */
const FAULTS = ['429:0', '503-once', 'cut', 'no-usage', 'reset', 'error-chunk'];

/** Where every outcome comes back to the gateway. */
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
    // Whoever cuts a call off between client and gateway may cut its settlement off too.
    const mayHold = exact === 'locally' && !isExact;
    return [await measure({ id, title, isExact, mayHold }, target, budgetHandle, () => sendCalls(burst))];
  };
  return { id, title, needs, run };
}

/** The attacks that need nothing but a client, and for the last an upstream that fails on request. */
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
    // What a service between client and gateway makes of a client that hangs up is its own affair.
    { exact: 'locally' },
  ),
  clientScenario(
    'faults',
    'every fourth call meets an upstream fault',
    (index) => {
      const fault = index % 4 !== 3 ? undefined : FAULTS[((index - 3) / 4) % FAULTS.length];
      const marker = fault === undefined ? {} : { marker: `[fault:${fault}]` };
      // In turn whole and streamed for each fault.
      return { stream: Math.floor(index / (4 * FAULTS.length)) % 2 === 0, sendsMaxTokens: true, ...marker };
    },
    // The upstream bills answers that never arrive whole; they are counted at their bound.
    { exact: 'never', needs: 'fake upstream' },
  ),
];
