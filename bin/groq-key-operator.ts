import { randomUUID } from 'node:crypto';
import { groqSecretName } from '../lambda/contract.ts';
import { createGroqKeyStores } from '../lambda/functions/groq-rotation-ports.ts';
import type { GroqKeyOperatorPorts } from '../lambda/groq-keys/groq-key-operator-ports.ts';
import { groqSecret, startGroqRotation } from '../lambda/groq-keys/io/groq-secret.ts';
import { didYouMean } from '../lambda/kernel/nearest-word.ts';
import { CANARY_TEAM } from '../lambda/policy/canary-team.ts';
import { Registry } from '../lambda/policy/io/registry.ts';
import { CommandError } from './deployment.ts';
import { type EnvironmentSelector, openStores } from './stores.ts';

/** One team's Groq keys, and the operator at hand. */
export type OpenedGroqKeys = {
  readonly team: string;
  readonly operator: GroqKeyOperatorPorts;
  /** Lets Secrets Manager begin a rotation. */
  readonly startRotation: () => Promise<void>;
};

/**
 * Opens a team's Groq keys with the credentials at hand.
 *
 * @throws CommandError when there is no such environment or team.
 */
export async function openGroqKeys(where: EnvironmentSelector, team: string): Promise<OpenedGroqKeys> {
  const stores = await openStores(where);
  const { environmentName, dynamo, secrets, registryTable, usageTable, groqRotationArn } = stores;
  const published = await new Registry(dynamo, registryTable, Date.now).readCurrent();
  const teams = published?.environment.teams ?? new Map();
  // The team of the deployment's own check has no Groq key.
  const names = [...teams.keys()].filter((name) => name !== CANARY_TEAM);
  if (!names.includes(team))
    throw new CommandError(`${environmentName} has no team "${team}"${didYouMean(team, names)}`);
  const groqBaseUrl = stores.groqBaseUrl ?? published?.environment.deployment.groqBaseUrl;
  const operator: GroqKeyOperatorPorts = {
    ...createGroqKeyStores(dynamo, { registryTable, usageTable, groqBaseUrl }, Date.now),
    // People see what they did; the rotation function tells all others.
    notifier: { notify: async () => {}, saveReport: async (path) => path },
    keySourceFor: async (one) => teams.get(one)?.groqKeySource ?? 'staged',
    environmentName,
    nowEpochMs: Date.now(),
    secretFor: (one) => groqSecret(secrets, groqSecretName(one, environmentName), environmentName),
    teams: names,
    actor: await stores.readActor(),
    newVersionId: randomUUID,
  };
  const startRotation = async () => {
    if (groqRotationArn === undefined)
      throw new CommandError(`the stack of ${environmentName} has no function that rotates Groq keys; deploy it again`);
    await startGroqRotation(secrets, team, environmentName, groqRotationArn);
  };
  return { team, operator, startRotation };
}
