import { subtractUsd } from '../../../lambda/kernel/money.ts';
import { periodAt, periodResetAt } from '../../../lambda/kernel/period.ts';
import type { GatewayClock } from '../gateway-clock.ts';
import { sendCalls } from '../load.ts';
import { addTallies } from '../tally.ts';
import { budgetOnlyPolicy, openTeamBudget } from '../targets/local-target.ts';
import { type BudgetHandle, requireTestRig } from '../targets/target.ts';
import type { TestRig } from '../targets/test-rig.ts';
import { OVERLOAD_FACTOR } from './client-scenarios.ts';
import { type Crossing, id, measureMonths, title } from './rollover-measurement.ts';
import { type Attack, budgetForCalls, burstFor, type Scenario, waitUntilSettled } from './scenario.ts';

/** The gateways' clock starts this long before the month's end: enough for their start and the first calls on any machine. */
const LEAD_MS = 1_800_000;
/** The clock stands still at this time before the month's end until the crossing calls have reached the upstream. */
const STOP_BEFORE_END_MS = 1_000;
const CROSSING_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 20;
/** Upstream delays in texts of the same length, so that all calls cost the same. */
const NO_DELAY_MARKER = '[fault:slow:0000]';
const LONG_DELAY_MARKER = '[fault:slow:6000]';

/**
 * Spends most of a month's budget, then sends twice as many calls as the rest pays for. Half of them are upstream when the
 * month ends; the others wait for money and find it in the new month, which is then attacked like any other.
 */
export const ROLLOVER_SCENARIO: Scenario = {
  id,
  title,
  needs: 'testRig',
  async run(attack) {
    const { target, calls } = attack;
    const budget = budgetForCalls(attack, calls);
    const testRig = requireTestRig(target);
    const endMs = Date.parse(periodResetAt(Date.now()));
    const clock = testRig.createClock(id);
    clock.run(endMs - LEAD_MS - Date.now());
    const cluster = await testRig.startCluster(id, { teams: { [id]: budgetOnlyPolicy(budget) } }, clock);
    const budgetHandle = await openTeamBudget(cluster, id, budget);
    const startMs = performance.now();
    const before = await testRig.upstream.read();
    const crossing = await crossMonthEnd(attack, budgetHandle, testRig, clock, endMs);
    const settled = await waitUntilSettled(target, budgetHandle);
    const requests = (await testRig.upstream.read()).requests - before.requests;
    const old = await testRig.readLedger(id, { team: id, period: periodAt(endMs - 1) });
    await cluster.close();
    return measureMonths({
      budget,
      crossing,
      arrived: crossing.arrived - before.requests,
      requests,
      billed: subtractUsd(settled.billed, before.billed),
      ledgers: { old, fresh: settled.ledger },
      unsettled: settled.faults,
      seconds: (performance.now() - startMs) / 1000,
    });
  },
};

/** Sends the calls of both months, and ends the first month on the gateways' clock while calls are upstream. */
async function crossMonthEnd(
  attack: Attack,
  budgetHandle: BudgetHandle,
  testRig: TestRig,
  clock: GatewayClock,
  endMs: number,
): Promise<Crossing> {
  const { calls, concurrency } = attack;
  const crossers = Math.max(1, Math.min(Math.floor(concurrency / 2), Math.floor(calls / 8)));
  const burst = burstFor(attack, budgetHandle);
  const plan = (index: number) => ({ stream: index % 2 === 0, sendsMaxTokens: true, marker: NO_DELAY_MARKER });
  const first = await sendCalls({ ...burst, count: calls - crossers, plan });
  clock.stop(endMs - STOP_BEFORE_END_MS);
  const crossing = sendCalls({
    ...burst,
    count: 2 * crossers,
    concurrency: 2 * crossers,
    plan: (index) => ({ ...plan(index), marker: LONG_DELAY_MARKER }),
  });
  await waitUntilBudgetIsUpstream(testRig, periodAt(endMs - 1));
  const { requests, inFlight } = await testRig.upstream.read();
  clock.run(endMs - Date.now());
  const after = await sendCalls({ ...burst, count: OVERLOAD_FACTOR * calls, plan });
  return { before: addTallies(first, await crossing), after, arrived: requests, inFlight };
}

/**
 * Waits until every open reservation has reached the upstream and the ledger cannot pay for another call, so that no further
 * call of the old month can arrive after its end.
 */
async function waitUntilBudgetIsUpstream(testRig: TestRig, period: string): Promise<void> {
  const deadlineMs = performance.now() + CROSSING_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const { open, availablePicoUsd, reservedPicoUsd } = await testRig.readLedger(id, { team: id, period });
    const { inFlight } = await testRig.upstream.read();
    const isExhausted = availablePicoUsd * BigInt(open.size) < reservedPicoUsd;
    if (open.size > 0 && open.size === inFlight && isExhausted) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
  throw new Error(`the crossing calls did not reach the upstream within ${CROSSING_TIMEOUT_MS / 1000} s`);
}
