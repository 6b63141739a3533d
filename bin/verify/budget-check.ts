import { DynamoLedger } from '../../lambda/adapters/dynamo-ledger.ts';
import type { Environment } from '../../lambda/core/environment.ts';
import { picoUsdFromNumber, usdText } from '../../lambda/core/money.ts';
import { periodOf } from '../../lambda/core/period.ts';
import type { Deployment } from '../deployment.ts';
import { type Check, outcome } from './check.ts';

/** Whether the ledgers of this month have the limits that the policies give them; a ledger opens with its first call. */
export function budgetCheck({ dynamo, ledgerTable }: Deployment, { organization, teams }: Environment): Check {
  return {
    id: 'budgets',
    title: 'The ledgers have the budgets of the policies',
    run: async () => {
      const ledger = new DynamoLedger(dynamo, ledgerTable, Date.now);
      const period = periodOf(Date.now());
      const faults: string[] = [];
      for (const { team, monthlyBudgetPicoUsd } of teams.values()) {
        const view = await ledger.read({ team, period });
        if (view !== undefined && view.limit !== monthlyBudgetPicoUsd)
          faults.push(`${team}: $${usdText(view.limit)} instead of $${usdText(monthlyBudgetPicoUsd)}`);
      }
      const cap = picoUsdFromNumber(organization.monthlyCapUsd);
      const seen = await ledger.readOrganization(period);
      if (seen !== undefined && seen.limit !== cap)
        faults.push(`organisation: $${usdText(seen.limit)} instead of $${usdText(cap)}`);
      return outcome(faults.length === 0, faults.join('; ') || `${teams.size} budgets and a cap of $${usdText(cap)}`);
    },
  };
}
