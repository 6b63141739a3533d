import { addUsd, subtractUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import type { UpstreamCounter } from '../figures.ts';
import { sendCalls } from '../load.ts';
import type { Tally } from '../tally.ts';
import { budgetOnlyPolicy, openTeamBudget } from '../targets/local-target.ts';
import { requireTestRig } from '../targets/target.ts';
import { OVERLOAD_FACTOR } from './client-scenarios.ts';
import { budgetForCalls, burstFor, measure, type Scenario } from './scenario.ts';

const id = 'kill';
const title = 'kill -9 of one gateway, which starts again';

/** A process is killed after this share of the calls that the budget pays for. */
const KILL_AFTER_SHARE = 1 / 3;
/** The kill waits until this share of the callers has a call upstream, up to MAX_WAIT_MS. */
const MIN_IN_FLIGHT_SHARE = 0.8;
const MAX_WAIT_MS = 3_000;
const POLL_INTERVAL_MS = 5;

/**
 * Kills a process with calls in flight; clients continue with the other processes and with its replacement. Its reservations
 * stay open until they expire, and calls over the budget wait for that money for half a minute. The burst stops once every
 * caller has been refused, because further calls show nothing new.
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
    const note = `${inFlight} calls were upstream when it was killed; $${toUsdString(ledger.reservedPicoUsd)} stays held until their reservations expire, and spent plus held is $${toUsdString(beyond)} above the bill`;
    const unkilled = restarted === undefined ? ['no process was killed: too few calls were admitted'] : [];
    return [{ ...measured, note, faults: [...(measured.faults ?? []), ...unkilled] }];
  },
};

/** Waits until most callers have a call upstream, where it is billed and can be lost. Returns the number of those calls. */
async function waitForInFlight(upstream: UpstreamCounter, concurrency: number): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += POLL_INTERVAL_MS) {
    const { inFlight } = await upstream.read();
    if (inFlight >= concurrency * MIN_IN_FLIGHT_SHARE || waitedMs >= MAX_WAIT_MS) return inFlight;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
