import { addUsd, subtractUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import type { UpstreamCounter } from '../figures.ts';
import { sendCalls, type Tally } from '../load.ts';
import { budgetOnlyPolicy, openTeamBudget } from '../targets/local-target.ts';
import { requireTestRig } from '../targets/target.ts';
import { OVERLOAD_FACTOR } from './client-scenarios.ts';
import { budgetForCalls, burstFor, measure, type Scenario } from './scenario.ts';

const id = 'kill';
const title = 'kill -9 of one gateway, which starts again';

/** A share of the calls that the budget pays, after which a process is killed. */
const KILL_AFTER_SHARE = 1 / 3;
/** The share of the callers whose calls are upstream at the kill, and how long is waited for it, in milliseconds. */
const MIN_IN_FLIGHT_SHARE = 0.8;
const MAX_WAIT_MS = 3_000;
const POLL_INTERVAL_MS = 5;

/**
 * A process is killed with calls in flight; clients go on with the others and with its successor. What it held stays
 * held until each call's time is over, and calls over the budget wait for it half a minute: as soon as all callers have
 * been refused once, there is nothing more to learn from firing.
 */
export const KILL_SCENARIO: Scenario = {
  id,
  title,
  needs: 'testRig',
  async run(attack) {
    const { target, calls, concurrency } = attack;
    const budget = budgetForCalls(attack, calls);
    const environment = { teams: { [id]: budgetOnlyPolicy(budget) } };
    const testRig = requireTestRig(target);
    const cluster = await testRig.startCluster(id, environment);
    const budgetHandle = await openTeamBudget(cluster, id, budget);
    let restarted: Promise<void> | undefined;
    let inFlight = 0;
    const killAndRestart = async () => {
      inFlight = await waitForInFlight(testRig.upstream, concurrency);
      await cluster.kill(0);
      await cluster.start(0);
    };
    const shouldStop = ({ admitted, refused }: Tally) => {
      if (admitted >= calls * KILL_AFTER_SHARE) restarted ??= killAndRestart();
      return (refused.team_budget_exceeded ?? 0) >= concurrency;
    };
    const plan = (index: number) => ({ stream: index % 2 === 0, sendsMaxTokens: true });
    const sendBurst = () =>
      sendCalls({ ...burstFor(attack, budgetHandle), count: OVERLOAD_FACTOR * calls, plan, shouldStop });
    const measured = await measure({ id, title, isExact: false, mayHold: true }, target, budgetHandle, sendBurst);
    await restarted;
    await cluster.close();
    const { ledger, billed } = measured;
    const beyond = subtractUsd(addUsd(ledger.spentPicoUsd, ledger.reservedPicoUsd), billed);
    const note = `${inFlight} calls were upstream when it was killed; $${toUsdString(ledger.reservedPicoUsd)} stays held until their time is over, and spent and held are $${toUsdString(beyond)} above the bill`;
    const unkilled = restarted === undefined ? ['no process was killed: too few calls were let through'] : [];
    return [{ ...measured, note, faults: [...(measured.faults ?? []), ...unkilled] }];
  },
};

/** Waits until most callers' calls are with the upstream, where they are billed and can be lost; tells how many are. */
async function waitForInFlight(upstream: UpstreamCounter, concurrency: number): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += POLL_INTERVAL_MS) {
    const { inFlight } = await upstream.read();
    if (inFlight >= concurrency * MIN_IN_FLIGHT_SHARE || waitedMs >= MAX_WAIT_MS) return inFlight;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
