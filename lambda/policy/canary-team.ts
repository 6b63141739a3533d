import { ConfigError } from '../kernel/config-error.ts';
import { type Catalog, isServedChatModel } from '../pricing/catalog.ts';
import type { EnvironmentFile } from './environment.ts';

/** The team with a budget of $0: after each deployment, one call in its name must be refused. */
export const CANARY_TEAM = 'groq-rbac-canary';

/**
 * Adds the canary team to an environment.
 *
 * @throws ConfigError when a team has the canary's name, or the catalog has no model for its call.
 */
export function addCanaryTeam(file: string, environment: EnvironmentFile, catalog: Catalog): EnvironmentFile {
  if (Object.hasOwn(environment.teams, CANARY_TEAM)) {
    throw new ConfigError(
      `${file}: team "${CANARY_TEAM}": the name is taken by the check that follows each deployment`,
    );
  }
  const canary = {
    purpose: 'Proves after each deployment that a budget of $0 is refused',
    allowedModels: [canaryModel(file, catalog)],
    monthlyBudgetUsd: 0,
    rateLimitRpm: null,
    // Groq's limits must not hold the call back: only a refusal by the budget passes the check.
    priority: 'high' as const,
  };
  return { ...environment, teams: { ...environment.teams, [CANARY_TEAM]: canary } };
}

/** Returns the model for the canary's call: the catalog's first chat model. */
function canaryModel(file: string, catalog: Catalog): string {
  const model = [...catalog.models.values()].find(isServedChatModel);
  if (model === undefined) throw new ConfigError(`${file}: the catalog has no chat model that Groq still serves`);
  return model.id;
}
