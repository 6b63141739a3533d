import { usdText } from '../../../lambda/kernel/money.ts';
import { fire } from '../load.ts';
import { roomyPolicy } from '../targets/local-target.ts';
import { laboratoryOf, type Purse } from '../targets/target.ts';
import { TIMES } from './client-scenarios.ts';
import { measure, type Scenario, volleyOf, worthOf } from './scenario.ts';

const TEAMS = ['ant', 'bee', 'cat', 'dog'];

const id = 'cap';
const title = "four teams under the organisation's cap";

/** Four teams whose budgets add up to twice the organisation's cap: together they may spend the cap. */
export const CAP_SCENARIO: Scenario = {
  id,
  title,
  needs: 'laboratory',
  async run(attack) {
    const { target, calls } = attack;
    const cap = worthOf(attack, calls);
    const policy = roomyPolicy(worthOf(attack, Math.ceil(calls / 2)));
    const environment = {
      organization: { monthlyCapUsd: Number(usdText(cap)) },
      teams: Object.fromEntries(TEAMS.map((team) => [team, policy])),
    };
    const cluster = await laboratoryOf(target).startCluster(id, environment);
    const purse: Purse = {
      budgetPicoUsd: cap,
      spenders: await Promise.all(TEAMS.map((team) => cluster.spender(team))),
      addressOf: (index) => cluster.addressOf(Math.floor(index / TEAMS.length)),
      ledger: () => cluster.organization(),
    };
    const plan = (index: number) => ({ stream: index % 2 === 0, states: index % 3 !== 0 });
    const attackAll = () => fire({ ...volleyOf(attack, purse), count: TIMES * calls, plan });
    const measured = await measure({ id, title, isExact: true }, target, purse, attackAll);
    await cluster.close();
    return [measured];
  },
};
