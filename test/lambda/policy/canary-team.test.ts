import { expect, it } from 'vitest';
import { addCanaryTeam, CANARY_TEAM } from '../../../lambda/policy/canary-team.ts';
import { parseEnvironment } from '../../../lambda/policy/environment.ts';
import { catalog } from '../../support/catalog.ts';

it("gives the canary high priority, so that Groq's limits never fail a good deployment", () => {
  const environment = addCanaryTeam('test', { teams: {} }, catalog);
  const canary = parseEnvironment('test', environment, catalog).teams.get(CANARY_TEAM);
  expect(canary).toMatchObject({ priority: 'high', monthlyBudgetPicoUsd: 0n });
});
