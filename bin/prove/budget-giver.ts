import { CommandError, type Deployment } from '../deployment.ts';
import type { BudgetGiver } from './target.ts';

/**
 * What moves the budget of a deployed team for a proof.
 *
 * @throws CommandError as long as no operation of a deployment moves a budget for a time.
 */
export function budgetGiverOf({ environmentName }: Pick<Deployment, 'environmentName'>): BudgetGiver {
  throw new CommandError(
    `the budgets of ${environmentName} cannot be moved for a time yet; leave out --env to attack gateways of your own`,
  );
}
