import { randomUUID } from 'node:crypto';
import { addUsd, clampToZero, type PicoUsd, toUsdString, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { type Period, periodAt } from '../../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../../lambda/ledger/io/dynamo-budgets.ts';
import { expireTopUps } from '../../../lambda/ledger/top-ups.ts';
import type { TeamPolicy } from '../../../lambda/policy/environment.ts';
import { DynamoAuditLog } from '../../../lambda/policy/io/dynamo-audit-log.ts';
import { CommandError } from '../../command-error.ts';
import type { Stores } from '../../stores.ts';
import type { BudgetAdjuster } from './target.ts';

/** What a giver needs of an environment. */
export type AdjusterStores = Pick<Stores, 'dynamo' | 'ledgerTable' | 'registryTable' | 'readActor'>;

/**
 * Moves a team's budget in the ledger as a deployment does, on record, and back to what the policy in force then gives.
 * Acts come one after another, so that a budget is never taken back while it is being given.
 */
export function createBudgetAdjuster(
  { dynamo, ledgerTable, registryTable, readActor }: AdjusterStores,
  readPolicy: () => Promise<TeamPolicy>,
): BudgetAdjuster {
  const ledger = new DynamoBudgets(dynamo, ledgerTable, Date.now);
  const audit = new DynamoAuditLog(dynamo, registryTable);
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
  const runSerially = (act: () => Promise<void>): Promise<void> => {
    const mine = turn.then(act);
    turn = mine.catch(() => undefined);
    return mine;
  };
  return {
    setAvailable: (team, availablePicoUsd) =>
      runSerially(async () => {
        const key = { team, period: periodAt(Date.now()) };
        await requireCap(ledger, key.period, team, availablePicoUsd);
        const state = await ledger.read(key);
        const lasting = state === undefined ? undefined : expireTopUps(state, Date.now()).topUps;
        if (lasting !== undefined && lasting.size > 0)
          throw new CommandError(
            `team ${team} has a top-up in force, which would end in the middle; try again when it is over`,
          );
        await record(team, `$${toUsdString(availablePicoUsd)} made available for a proof`);
        // Before the act: one that fails may have been done.
        given.add(key.period);
        const limitPicoUsd = addUsd(
          state?.spentPicoUsd ?? ZERO_USD,
          state?.reservedPicoUsd ?? ZERO_USD,
          availablePicoUsd,
        );
        await ledger.setLimit(key, limitPicoUsd);
      }),
    restoreBudget: (team) =>
      runSerially(async () => {
        try {
          for (const period of given) {
            // Anew: a deployment may have changed it meanwhile.
            const { monthlyBudgetPicoUsd } = await readPolicy();
            const budget = toUsdString(monthlyBudgetPicoUsd);
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
  const idle = states.map((state) => clampToZero(state?.leasedPicoUsd ?? ZERO_USD));
  const left = addUsd(organization.availablePicoUsd, ...idle);
  if (left >= amount) return;
  throw new CommandError(
    `the organisation has $${toUsdString(left)} left for teams, and a proof on ${team} needs $${toUsdString(amount)}; raise the cap, or try fewer --calls`,
  );
}
