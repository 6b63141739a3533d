import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { teams } from '../teams.ts';

type Policy = EnvironmentFile['teams'][string];

/** A tenth of a team's monthly budget; a team without a budget stays without one. */
function withTenthOfBudget(policy: Policy): Policy {
  const { monthlyBudgetUsd } = policy;
  return typeof monthlyBudgetUsd !== 'number' ? policy : { ...policy, monthlyBudgetUsd: monthlyBudgetUsd / 10 };
}

/** Staging: production's teams with a tenth of the money. */
export default {
  organization: { monthlyCapUsd: 50, alertsUsd: [10, 25, 40], alertsPercent: [50, 80, 95] },
  teams: Object.fromEntries(Object.entries(teams).map(([team, policy]) => [team, withTenthOfBudget(policy)])),
} satisfies EnvironmentFile;
