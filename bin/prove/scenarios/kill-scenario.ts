import { addUsd, subtractUsd, usdText } from '../../../lambda/kernel/money.ts';
import type { UpstreamCount } from '../figures.ts';
import { fire, type Tally } from '../load.ts';
import { roomyPolicy, teamPurse } from '../targets/local-target.ts';
import { laboratoryOf } from '../targets/target.ts';
import { TIMES } from './client-scenarios.ts';
import { measure, type Scenario, volleyOf, worthOf } from './scenario.ts';

const id = 'kill';
const title = 'kill -9 of one gateway, which starts again';

/** A share of the calls that the budget pays, after which a process is killed. */
const KILLED_AFTER = 1 / 3;
/** The share of the callers whose calls are upstream at the kill, and how long is waited for it, in milliseconds. */
const MOST = 0.8;
const MOST_WAIT_MS = 3_000;
const LOOK_EVERY_MS = 5;

/**
 * A process is killed with calls in flight; clients go on with the others and with its successor. What it held stays
 * held until each call's time is over, and calls over the budget wait for it half a minute: as soon as all callers have
 * been refused once, there is nothing more to learn from firing.
 */
export const KILL_SCENARIO: Scenario = {
  id,
  title,
  needs: 'laboratory',
  async run(attack) {
    const { target, calls, atOnce } = attack;
    const budget = worthOf(attack, calls);
    const environment = { teams: { [id]: roomyPolicy(budget) } };
    const laboratory = laboratoryOf(target);
    const cluster = await laboratory.startCluster(id, environment);
    const purse = await teamPurse(cluster, id, budget);
    let restarted: Promise<void> | undefined;
    let inFlight = 0;
    const killAndRestart = async () => {
      inFlight = await whenMostAreUpstream(laboratory.upstream, atOnce);
      await cluster.kill(0);
      await cluster.start(0);
    };
    const isEnough = ({ letThrough, refused }: Tally) => {
      if (letThrough >= calls * KILLED_AFTER) restarted ??= killAndRestart();
      return (refused.team_budget_exceeded ?? 0) >= atOnce;
    };
    const plan = (index: number) => ({ stream: index % 2 === 0, states: true });
    const attackAll = () => fire({ ...volleyOf(attack, purse), count: TIMES * calls, plan, isEnough });
    const measured = await measure({ id, title, isExact: false, mayHold: true }, target, purse, attackAll);
    await restarted;
    await cluster.close();
    const { ledger, billed } = measured;
    const beyond = subtractUsd(addUsd(ledger.spent, ledger.held), billed);
    const note = `${inFlight} calls were upstream when it was killed; $${usdText(ledger.held)} stays held until their time is over, and spent and held are $${usdText(beyond)} above the bill`;
    const unkilled = restarted === undefined ? ['no process was killed: too few calls were let through'] : [];
    return [{ ...measured, note, faults: [...(measured.faults ?? []), ...unkilled] }];
  },
};

/** Waits until most callers' calls are with the upstream, where they are billed and can be lost; tells how many are. */
async function whenMostAreUpstream(upstream: UpstreamCount, atOnce: number): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const { inFlight } = await upstream.read();
    if (inFlight >= atOnce * MOST || waitedMs >= MOST_WAIT_MS) return inFlight;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
