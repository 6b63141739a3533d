import { randomUUID } from 'node:crypto';
import { addUsd, notNegative, type PicoUsd, usdText, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { type Period, periodOf } from '../../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../../lambda/ledger/io/dynamo-budgets.ts';
import { endTopUps } from '../../../lambda/ledger/top-ups.ts';
import type { TeamPolicy } from '../../../lambda/policy/environment.ts';
import { DynamoAudit } from '../../../lambda/policy/io/dynamo-audit.ts';
import { CommandError } from '../../deployment.ts';
import type { Stores } from '../../stores.ts';
import type { BudgetGiver } from './target.ts';

/** What a giver needs of an environment. */
export type GiverStores = Pick<Stores, 'dynamo' | 'ledgerTable' | 'registryTable' | 'readActor'>;

/**
 * Moves a team's budget in the ledger as a deployment does, on record, and back to what the policy in force then gives.
 * Acts come one after another, so that a budget is never taken back while it is being given.
 */
export function budgetGiverOf(
  { dynamo, ledgerTable, registryTable, readActor }: GiverStores,
  readPolicy: () => Promise<TeamPolicy>,
): BudgetGiver {
  const ledger = new DynamoBudgets(dynamo, ledgerTable, Date.now);
  const audit = new DynamoAudit(dynamo, registryTable);
  const record = async (team: string, details: string) =>
    await audit.append({
      atEpochMs: Date.now(),
      id: randomUUID(),
      actor: await readActor(),
      action: 'prove',
      subject: `team ${team}`,
      details,
    });
  const given = new Set<Period>();
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const mine = turn.then(act);
    turn = mine.catch(() => undefined);
    return mine;
  };
  return {
    giveBudget: (team, available) =>
      inTurn(async () => {
        const key = { team, period: periodOf(Date.now()) };
        await requireCap(ledger, key.period, team, available);
        const state = await ledger.read(key);
        const lasting = state === undefined ? undefined : endTopUps(state, Date.now()).topUps;
        if (lasting !== undefined && lasting.size > 0)
          throw new CommandError(
            `team ${team} has a top-up in force, which would end in the middle; try again when it is over`,
          );
        await record(team, `$${usdText(available)} made available for a proof`);
        // Before the act: one that fails may have been done.
        given.add(key.period);
        const limit = addUsd(state?.spent ?? ZERO_USD, state?.reserved ?? ZERO_USD, available);
        await ledger.setLimit(key, limit);
      }),
    takeBack: (team) =>
      inTurn(async () => {
        try {
          for (const period of given) {
            // Anew: a deployment may have changed it meanwhile.
            const { monthlyBudgetPicoUsd } = await readPolicy();
            const budget = usdText(monthlyBudgetPicoUsd);
            await record(team, `the budget becomes $${budget} again, less what a proof has spent`);
            await ledger.setLimit({ team, period }, monthlyBudgetPicoUsd);
            given.delete(period);
          }
        } catch (cause) {
          throw new CommandError(
            `team ${team} still has the budget of the proof, since it could not be given back (${cause instanceof Error ? cause.message : cause}): run this proof again, which gives it back at its end, or deploy any change of the policies, or start npm start again; groq-rbac budget show --team ${team} tells how it stands`,
            { cause },
          );
        }
      }),
  };
}

/** Whether the organisation can pay it: its cap would stop the calls first, and a proof would read "starved". */
async function requireCap(ledger: DynamoBudgets, period: Period, team: string, amount: PicoUsd): Promise<void> {
  const organization = await ledger.readOrganization(period);
  if (organization === undefined) return;
  // What lies idle in teams is called back before a call is refused.
  const states = await Promise.all([...organization.holders].map((holder) => ledger.read({ team: holder, period })));
  const idle = states.map((state) => notNegative(state?.leased ?? ZERO_USD));
  const left = addUsd(organization.available, ...idle);
  if (left >= amount) return;
  throw new CommandError(
    `the organisation has $${usdText(left)} left for teams, and a proof on ${team} needs $${usdText(amount)}; raise the cap, or try fewer --calls`,
  );
}
