import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mintKey } from '../../lambda/access/io/gateway-key.ts';
import { findServedModel } from '../../lambda/access/model-list.ts';
import { GatewayProbe } from '../../lambda/deployment/io/gateway-probe.ts';
import { GroqKeys } from '../../lambda/groq/io/groq-keys.ts';
import { CANARY_TEAM } from '../../lambda/policy/canary-team.ts';
import type { Environment, TeamPolicy } from '../../lambda/policy/environment.ts';
import type { Catalog } from '../../lambda/pricing/catalog.ts';
import { CommandError } from '../command-error.ts';
import type { Deployment } from '../deployment.ts';
import type { TemporaryKeys } from '../temporary-keys.ts';
import { budgetCheck } from './budget-check.ts';
import type { Check } from './check.ts';
import { enforcementChecks } from './enforcement-checks.ts';
import { resourceChecks } from './resource-checks.ts';
import { secretChecks } from './secret-checks.ts';
import { streamCheck } from './stream-check.ts';

const GROQ_BASE_URL = 'https://api.groq.com';

/** A deployment and the policies in force on it. */
export type VerifyTarget = {
  readonly deployment: Deployment;
  readonly environment: Environment;
  readonly catalog: Catalog;
};

/**
 * Builds all checks of a deployment, in the order in which they run. `quick` leaves out the check of revocation.
 *
 * @throws CommandError when the deployment has no canary team.
 */
export async function buildChecks(
  { deployment, environment, catalog }: VerifyTarget,
  keys: TemporaryKeys,
  quick: boolean,
): Promise<readonly Check[]> {
  const { environmentName, endpoint } = deployment;
  const canary = environment.teams.get(CANARY_TEAM);
  if (canary === undefined)
    throw new CommandError(`${environmentName} was deployed without its canary team; deploy it again`);
  const teams = [...environment.teams.values()].filter(({ team }) => team !== CANARY_TEAM);
  const client = new SecretsManagerClient({});
  const canaryKey = await keys.create(CANARY_TEAM);
  const enforcementTarget = {
    probe: new GatewayProbe(endpoint),
    catalog,
    canary,
    canaryKey: canaryKey.key,
    unknownKey: mintKey(environmentName).key,
    revokeCanaryKey: () => keys.revoke(canaryKey.keyId),
  };
  return [
    ...resourceChecks(deployment, environment.deployment.retainData),
    budgetCheck(deployment, environment),
    ...secretChecks({
      client,
      environmentName,
      teams: teams.map(({ team }) => team),
      groqBaseUrl: environment.deployment.groqBaseUrl ?? GROQ_BASE_URL,
      teamsNeedingStagedKey: teams.filter(needsStagedKey).map(({ team }) => team),
    }),
    await buildStreamCheck(deployment, teams, catalog, client, keys),
    ...enforcementChecks(enforcementTarget, !quick),
  ];
}

/** Builds the check of a streamed call, in the name of the first team that has a Groq key and a chat model. */
async function buildStreamCheck(
  { environmentName, endpoint }: Deployment,
  teams: readonly TeamPolicy[],
  catalog: Catalog,
  client: SecretsManagerClient,
  keys: TemporaryKeys,
): Promise<Check> {
  const groqKeys = new GroqKeys(client, environmentName, Date.now, () => {});
  for (const policy of teams.filter(({ monthlyBudgetPicoUsd }) => monthlyBudgetPicoUsd > 0n)) {
    const model = findServedModel(policy, catalog);
    const groqKey = await groqKeys
      .of(policy.team)
      .current()
      .catch(() => undefined);
    if (model === undefined || groqKey === undefined) continue;
    return streamCheck(endpoint, { policy, model, key: (await keys.create(policy.team)).key });
  }
  return streamCheck(endpoint, undefined);
}

/** True when a team's key is rotated by its policy, from the keys that operators stage. */
function needsStagedKey({ rotateGroqKeyEveryDays, groqKeySource }: TeamPolicy): boolean {
  return rotateGroqKeyEveryDays !== null && groqKeySource === 'staged';
}
