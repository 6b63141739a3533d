import { expect, it } from 'vitest';
import { addCanaryTeam, CANARY_TEAM } from '../../../lambda/policy/canary-team.ts';
import { parseEnvironment } from '../../../lambda/policy/environment.ts';
import { catalog } from '../../support/catalog.ts';

it("never holds the canary back for Groq's limits, so that a good deployment does not fail when they are low", () => {
  const environment = addCanaryTeam('test', { teams: {} }, catalog);
  const canary = parseEnvironment('test', environment, catalog).teams.get(CANARY_TEAM);
  expect(canary).toMatchObject({ priority: 'high', monthlyBudgetPicoUsd: 0n });
});
