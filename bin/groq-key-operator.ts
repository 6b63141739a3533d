import { randomUUID } from 'node:crypto';
import { groqSecretName } from '../lambda/contract.ts';
import { createGroqKeyStores } from '../lambda/functions/groq-rotation-ports.ts';
import type { GroqKeyOperatorPorts } from '../lambda/groq-keys/groq-key-operator-ports.ts';
import { groqSecret, startGroqRotation } from '../lambda/groq-keys/io/groq-secret.ts';
import { didYouMean } from '../lambda/kernel/nearest-word.ts';
import { CANARY_TEAM } from '../lambda/policy/canary-team.ts';
import { Registry } from '../lambda/policy/io/registry.ts';
import { CommandError } from './command-error.ts';
import { type EnvironmentSelector, openStores } from './stores.ts';

/** One team's Groq keys, opened for an operator. */
export type OpenedGroqKeys = {
  readonly team: string;
  readonly operator: GroqKeyOperatorPorts;
  /** Starts a rotation in Secrets Manager. */
  readonly startRotation: () => Promise<void>;
};

/**
 * Opens a team's Groq keys with the operator's credentials.
 *
 * @throws CommandError when the environment or the team does not exist.
 */
export async function openGroqKeys(selector: EnvironmentSelector, team: string): Promise<OpenedGroqKeys> {
  const stores = await openStores(selector);
  const { environmentName, dynamo, secrets, registryTable, usageTable, groqRotationArn } = stores;
  const published = await new Registry(dynamo, registryTable, Date.now).readCurrent();
  const teams = published?.environment.teams ?? new Map();
  // The canary team makes no calls to Groq and has no key.
  const names = [...teams.keys()].filter((name) => name !== CANARY_TEAM);
  if (!names.includes(team))
    throw new CommandError(`${environmentName} has no team "${team}"${didYouMean(team, names)}`);
  const groqBaseUrl = stores.groqBaseUrl ?? published?.environment.deployment.groqBaseUrl;
  const operator: GroqKeyOperatorPorts = {
    ...createGroqKeyStores(dynamo, { registryTable, usageTable, groqBaseUrl }, Date.now),
    // The operator sees the result here; the rotation function notifies everyone else.
    notifier: { notify: async () => {}, saveReport: async (path) => path },
    keySourceFor: async (name) => teams.get(name)?.groqKeySource ?? 'staged',
    environmentName,
    nowEpochMs: Date.now(),
    secretFor: (name) => groqSecret(secrets, groqSecretName(name, environmentName), environmentName),
    teams: names,
    actor: await stores.readActor(),
    newVersionId: randomUUID,
  };
  const startRotation = async () => {
    if (groqRotationArn === undefined)
      throw new CommandError(`the stack of ${environmentName} has no rotation function for Groq keys; deploy it again`);
    await startGroqRotation(secrets, team, environmentName, groqRotationArn);
  };
  return { team, operator, startRotation };
}
