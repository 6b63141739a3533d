import { type PicoUsd, picoUsd, subtractUsd } from '../../../lambda/kernel/money.ts';
import { periodAt, periodResetAt } from '../../../lambda/kernel/period.ts';
import type { LedgerTotals, UpstreamCounter } from '../figures.ts';
import { sendCalls } from '../load.ts';
import { addTallies, type Tally } from '../tally.ts';
import { budgetOnlyPolicy, openTeamBudget } from '../targets/local-target.ts';
import { type BudgetHandle, requireTestRig } from '../targets/target.ts';
import type { Measurement } from '../verdict.ts';
import { OVERLOAD_FACTOR } from './client-scenarios.ts';
import { type Attack, budgetForCalls, burstFor, type Scenario, waitUntilSettled } from './scenario.ts';

const id = 'rollover';
const title = "month's end";

/** How long before its end the month is joined, in milliseconds: for the processes to start, and for each call of it. */
const START_MS = 10_000;
const START_MS_PER_CALL = 60;
/** How long before the month's end the calls are fired that cross it, and how long those take upstream, in milliseconds. */
const CROSSING_LEAD_MS = 1_500;
const CROSSING_SLOW_MS = 3_000;
/** Pauses upstream in texts of one length, so that all calls cost the same. */
const ZERO_DELAY_MARKER = '[fault:slow:0000]';
const LONG_DELAY_MARKER = `[fault:slow:${CROSSING_SLOW_MS}]`;

/** What clients saw of a month's end, and what had reached the upstream by then. */
type Crossing = { readonly before: Tally; readonly after: Tally; readonly arrived: number; readonly inFlight: number };

/**
 * The gateways' clocks stand some seconds before a month's end. A part of the month's budget is spent; then, just before
 * the end, twice as many calls are fired as the rest pays: half of them cross the end while Groq works, the others wait
 * for money and find it in the new month. Then the new month is attacked as any other.
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
    const shiftMs = endMs - Date.now() - START_MS - START_MS_PER_CALL * calls;
    const cluster = await testRig.startCluster(id, { teams: { [id]: budgetOnlyPolicy(budget) } }, shiftMs);
    const budgetHandle = await openTeamBudget(cluster, id, budget);
    const startMs = performance.now();
    const before = await testRig.upstream.read();
    const crossing = await cross(attack, budgetHandle, testRig.upstream, endMs - shiftMs);
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
      moving: settled.faults,
      seconds: (performance.now() - startMs) / 1000,
    });
  },
};

/** Spends most of the old month, fires calls across its end, and attacks the new one; `endMs` is by the real clock. */
async function cross(
  attack: Attack,
  budgetHandle: BudgetHandle,
  upstream: UpstreamCounter,
  endMs: number,
): Promise<Crossing> {
  const { calls, concurrency } = attack;
  const crossers = Math.max(1, Math.min(Math.floor(concurrency / 2), Math.floor(calls / 8)));
  const burst = burstFor(attack, budgetHandle);
  const plan = (index: number) => ({ stream: index % 2 === 0, sendsMaxTokens: true, marker: ZERO_DELAY_MARKER });
  const first = await sendCalls({ ...burst, count: calls - crossers, plan });
  const leadMs = endMs - CROSSING_LEAD_MS - Date.now();
  if (leadMs < 0) throw new Error('the month ended before its first calls were through; try fewer --calls');
  await sleep(leadMs);
  const crossing = sendCalls({
    ...burst,
    count: 2 * crossers,
    concurrency: 2 * crossers,
    plan: (index) => ({ ...plan(index), marker: LONG_DELAY_MARKER }),
  });
  await sleep(endMs - Date.now());
  const { requests, inFlight } = await upstream.read();
  const after = await sendCalls({ ...burst, count: OVERLOAD_FACTOR * calls, plan });
  return { before: addTallies(first, await crossing), after, arrived: requests, inFlight };
}

type Months = {
  readonly budget: PicoUsd;
  readonly crossing: Crossing;
  /** Calls that the upstream had by the month's end, and in all. */
  readonly arrived: number;
  readonly requests: number;
  readonly billed: PicoUsd;
  readonly ledgers: { readonly old: LedgerTotals; readonly fresh: LedgerTotals };
  /** What was still moving at the end. */
  readonly moving: readonly string[];
  readonly seconds: number;
};

/** One measurement a month: what had reached the upstream by the month's end belongs to it, whenever it was answered. */
function measureMonths({
  budget,
  crossing,
  arrived,
  requests,
  billed,
  ledgers,
  moving,
  seconds,
}: Months): Measurement[] {
  const { before, after, inFlight } = crossing;
  const callCost = requests === 0 ? 0n : billed / BigInt(requests);
  const billedOld = picoUsd(callCost * BigInt(arrived));
  const shared = { scenario: id, budget, billedBy: 'upstream', isExact: true, seconds } as const;
  const faults = [
    ...moving,
    ...(callCost * BigInt(requests) === billed
      ? []
      : ['calls did not cost the same, so the months cannot be told apart']),
    ...(inFlight > 0 ? [] : ['no call crossed the end of the month']),
  ];
  return [
    {
      ...shared,
      title: `${title}: the old month`,
      tally: { ...before, admitted: arrived },
      billed: billedOld,
      ledger: ledgers.old,
      note: `${inFlight} calls were upstream when the month ended`,
      faults,
    },
    {
      ...shared,
      title: `${title}: the new month`,
      tally: { ...after, admitted: requests - arrived },
      billed: subtractUsd(billed, billedOld),
      ledger: ledgers.fresh,
      note: `${before.admitted - arrived} calls that had waited for money in the old month found it in the new one`,
    },
  ];
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
