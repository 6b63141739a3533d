import { picoUsdFromNumber, toUsdString } from '../../lambda/kernel/money.ts';
import { periodAt } from '../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../lambda/ledger/io/dynamo-budgets.ts';
import { baseLimit } from '../../lambda/ledger/top-ups.ts';
import type { Environment } from '../../lambda/policy/environment.ts';
import type { Deployment } from '../deployment.ts';
import { type Check, outcome } from './check.ts';

/** Compares this month's ledgers with the budgets of the policies. A ledger exists from its team's first call on. */
export function budgetCheck({ dynamo, ledgerTable }: Deployment, { organization, teams }: Environment): Check {
  return {
    id: 'budgets',
    title: 'The ledgers have the budgets of the policies',
    run: async () => {
      const ledger = new DynamoBudgets(dynamo, ledgerTable, Date.now);
      const period = periodAt(Date.now());
      const faults: string[] = [];
      for (const { team, monthlyBudgetPicoUsd } of teams.values()) {
        const state = await ledger.read({ team, period });
        const limit = state === undefined ? undefined : baseLimit(state);
        if (limit !== undefined && limit !== monthlyBudgetPicoUsd)
          faults.push(`${team}: $${toUsdString(limit)} instead of $${toUsdString(monthlyBudgetPicoUsd)}`);
      }
      const cap = picoUsdFromNumber(organization.monthlyCapUsd);
      const organizationLedger = await ledger.readOrganization(period);
      const inForce = organizationLedger === undefined ? undefined : baseLimit(organizationLedger);
      if (inForce !== undefined && inForce !== cap)
        faults.push(`organisation: $${toUsdString(inForce)} instead of $${toUsdString(cap)}`);
      return outcome(
        faults.length === 0,
        faults.join('; ') || `${teams.size} budgets and a cap of $${toUsdString(cap)}`,
      );
    },
  };
}
