import { toUsdString } from '../../../lambda/kernel/money.ts';
import { sendCalls } from '../load.ts';
import { budgetOnlyPolicy } from '../targets/local-target.ts';
import { type BudgetHandle, requireTestRig } from '../targets/target.ts';
import { OVERLOAD_FACTOR } from './client-scenarios.ts';
import { budgetForCalls, burstFor, measure, type Scenario } from './scenario.ts';

const TEAMS = ['ant', 'bee', 'cat', 'dog'];

const id = 'cap';
const title = "four teams under the organisation's cap";

/** Four teams, whose budgets add up to twice the organisation's cap, may together spend the cap. */
export const CAP_SCENARIO: Scenario = {
  id,
  title,
  needs: 'testRig',
  async run(attack) {
    const { target, calls } = attack;
    const cap = budgetForCalls(attack, calls);
    const policy = budgetOnlyPolicy(budgetForCalls(attack, Math.ceil(calls / 2)));
    const environment = {
      organization: { monthlyCapUsd: Number(toUsdString(cap)) },
      teams: Object.fromEntries(TEAMS.map((team) => [team, policy])),
    };
    const cluster = await requireTestRig(target).startCluster(id, environment);
    const budgetHandle: BudgetHandle = {
      budgetPicoUsd: cap,
      credentials: await Promise.all(TEAMS.map((team) => cluster.teamCredential(team))),
      nextAddress: (index) => cluster.nextAddress(Math.floor(index / TEAMS.length)),
      ledger: () => cluster.organization(),
    };
    const plan = (index: number) => ({ stream: index % 2 === 0, sendsMaxTokens: index % 3 !== 0 });
    const sendBurst = () => sendCalls({ ...burstFor(attack, budgetHandle), count: OVERLOAD_FACTOR * calls, plan });
    const measured = await measure({ id, title, isExact: true }, target, budgetHandle, sendBurst);
    await cluster.close();
    return [measured];
  },
};
