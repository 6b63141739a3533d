import { ConfigError } from '../kernel/config-error.ts';
import { type Catalog, isServedChatModel } from '../pricing/catalog.ts';
import type { EnvironmentFile } from './environment.ts';

/** The team that may spend nothing: after each deployment, one call in its name must be refused. */
export const CANARY_TEAM = 'groq-rbac-canary';

/**
 * An environment with its canary: a team with a budget of $0.
 *
 * @throws ConfigError when a team has the canary's name, or the catalog has no model that it could ask for.
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
    // Its refusal must be the budget's, whatever Groq's own limits are: held back, it would fail a good deployment.
    priority: 'high' as const,
  };
  return { ...environment, teams: { ...environment.teams, [CANARY_TEAM]: canary } };
}

/** The model the canary asks for: the catalog's first that answers chat completions. */
function canaryModel(file: string, catalog: Catalog): string {
  const model = [...catalog.models.values()].find(isServedChatModel);
  if (model === undefined) throw new ConfigError(`${file}: the catalog has no chat model that Groq still serves`);
  return model.id;
}
