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

/** The part of an environment that the adjuster needs. */
export type AdjusterStores = Pick<Stores, 'dynamo' | 'ledgerTable' | 'registryTable' | 'readActor'>;

/**
 * Changes a team's budget in the ledger as a deployment does, with an audit entry, and restores the policy's budget
 * afterwards. Changes run one after another, so that a restore never overtakes a change.
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
  const changed = new Set<Period>();
  let last: Promise<unknown> = Promise.resolve();
  const runSerially = (change: () => Promise<void>): Promise<void> => {
    const result = last.then(change);
    last = result.catch(() => undefined);
    return result;
  };
  return {
    setAvailable: (team, availablePicoUsd) =>
      runSerially(async () => {
        const key = { team, period: periodAt(Date.now()) };
        await requireCap(ledger, key.period, team, availablePicoUsd);
        const state = await ledger.read(key);
        const topUps = state === undefined ? undefined : expireTopUps(state, Date.now()).topUps;
        if (topUps !== undefined && topUps.size > 0)
          throw new CommandError(
            `team ${team} has a top-up, which could expire during the proof; retry after it has expired`,
          );
        await record(team, `$${toUsdString(availablePicoUsd)} made available for a proof`);
        // Before the write: one that fails may still have been applied.
        changed.add(key.period);
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
          for (const period of changed) {
            // Read again: a deployment may have changed the policy since.
            const { monthlyBudgetPicoUsd } = await readPolicy();
            const budget = toUsdString(monthlyBudgetPicoUsd);
            await record(team, `the budget becomes $${budget} again, less what a proof has spent`);
            await ledger.setLimit({ team, period }, monthlyBudgetPicoUsd);
            changed.delete(period);
          }
        } catch (cause) {
          throw new CommandError(
            `team ${team} still has the budget of the proof, because restoring it failed (${cause instanceof Error ? cause.message : cause}). To restore it, run this proof again, deploy any change of the policies, or restart npm start; check it with: groq-rbac budget show --team ${team}`,
            { cause },
          );
        }
      }),
  };
}

/** @throws CommandError when the organisation's cap would stop the calls before the team's budget does. */
async function requireCap(ledger: DynamoBudgets, period: Period, team: string, amount: PicoUsd): Promise<void> {
  const organization = await ledger.readOrganization(period);
  if (organization === undefined) return;
  // The gateway reclaims idle leases from teams before it refuses a call.
  const states = await Promise.all([...organization.holders].map((holder) => ledger.read({ team: holder, period })));
  const idle = states.map((state) => clampToZero(state?.leasedPicoUsd ?? ZERO_USD));
  const left = addUsd(organization.availablePicoUsd, ...idle);
  if (left >= amount) return;
  throw new CommandError(
    `the organisation has $${toUsdString(left)} left for teams, and a proof on ${team} needs $${toUsdString(amount)}; raise the cap, or use fewer --calls`,
  );
}
