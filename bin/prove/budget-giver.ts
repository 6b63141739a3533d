import { randomUUID } from 'node:crypto';
import { DynamoAudit } from '../../lambda/adapters/dynamo-audit.ts';
import { DynamoBudgets } from '../../lambda/adapters/dynamo-budgets.ts';
import type { TeamPolicy } from '../../lambda/core/environment.ts';
import { addUsd, type PicoUsd, picoUsd, usdText, ZERO_USD } from '../../lambda/core/money.ts';
import { periodOf } from '../../lambda/core/period.ts';
import { baseLimitOf } from '../../lambda/core/top-ups.ts';
import { CommandError } from '../deployment.ts';
import type { Stores } from '../stores.ts';
import type { BudgetGiver } from './target.ts';

/** Moves a team's budget in the ledger as a deployment does, on record, and back to what its policy gives. */
export function budgetGiverOf(stores: Stores, policy: TeamPolicy): BudgetGiver {
  const { dynamo, ledgerTable, registryTable, readActor } = stores;
  const ledger = new DynamoBudgets(dynamo, ledgerTable, Date.now);
  const audit = new DynamoAudit(dynamo, registryTable);
  const keyOf = (team: string) => ({ team, period: periodOf(Date.now()) });
  const record = async (team: string, details: string) =>
    await audit.append({
      atEpochMs: Date.now(),
      id: randomUUID(),
      actor: await readActor(),
      action: 'prove',
      subject: `team ${team}`,
      details,
    });
  let isGiven = false;
  return {
    async giveBudget(team, available) {
      const key = keyOf(team);
      await requireCap(ledger, key.period, policy, available);
      const state = await ledger.read(key);
      await record(team, `$${usdText(available)} made available for a proof`);
      isGiven = true;
      const limit = addUsd(state?.spent ?? ZERO_USD, state?.reserved ?? ZERO_USD, available);
      const topUps = state === undefined ? 0n : state.limit - baseLimitOf(state);
      await ledger.setLimit(key, picoUsd(limit - topUps));
    },
    async takeBack(team) {
      if (!isGiven) return;
      await ledger.setLimit(keyOf(team), policy.monthlyBudgetPicoUsd);
      await record(team, `the budget is $${usdText(policy.monthlyBudgetPicoUsd)} again, less what a proof has spent`);
      isGiven = false;
    },
  };
}

/** Whether the organisation can pay it: its cap would stop the calls first, and a proof would read "starved". */
async function requireCap(ledger: DynamoBudgets, period: string, policy: TeamPolicy, amount: PicoUsd): Promise<void> {
  const organization = await ledger.readOrganization(period);
  if (organization === undefined || organization.available >= amount) return;
  throw new CommandError(
    `the organisation has $${usdText(organization.available)} left to give to teams, and a proof on ${policy.team} needs $${usdText(amount)}; raise the cap, or try fewer --calls`,
  );
}
