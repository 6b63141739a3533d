import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { apiAddress, groqSecretName } from '../../lambda/contract.ts';
import { stagedQueue } from '../../lambda/groq/groq-key-versions.ts';
import { GroqKeys } from '../../lambda/groq/io/groq-keys.ts';
import { VERSION_LABEL, versionWith } from '../../lambda/secrets/secret-versions.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** Whose secrets are looked at, and where their keys are tried. */
export type SecretTarget = {
  readonly client: SecretsManagerClient;
  readonly environmentName: string;
  readonly teams: readonly string[];
  readonly groqBaseUrl: string;
  /** The teams whose keys are rotated by their policies, so that a key should wait. */
  readonly awaited: readonly string[];
};

const TIMEOUT_MS = 10_000;
/** How many teams a line of evidence names. */
const NAMED = 10;

/** Each team's Groq key: there, accepted by Groq, and free to be rotated. No key is ever printed. */
export function secretChecks(target: SecretTarget): readonly Check[] {
  return [
    { id: 'groq-keys', title: 'Every team has a Groq key that Groq accepts', run: async () => await checkKeys(target) },
    {
      id: 'rotation',
      title: 'No rotation of a Groq key is stuck or wants a staged key',
      run: async () => await checkRotation(target),
    },
  ];
}

async function checkKeys({ client, environmentName, teams, groqBaseUrl }: SecretTarget): Promise<Outcome> {
  const keys = new GroqKeys(client, environmentName, Date.now, () => {});
  const faults: string[] = [];
  for (const team of teams) {
    const key = await keys
      .of(team)
      .current()
      .catch((error: Error) => error);
    if (key instanceof Error) faults.push(`${team}: ${key.message}`);
    else if (key === undefined) faults.push(`${team}: ${groqSecretName(team, environmentName)} holds no key`);
    else {
      const status = await statusOf(groqBaseUrl, key.apiKey);
      if (status !== 200) faults.push(`${team}: GET /models answers ${status}`);
    }
  }
  return some(faults, `${teams.length} keys, GET /models answers 200 to each`);
}

async function statusOf(groqBaseUrl: string, key: string): Promise<number | string> {
  try {
    const response = await fetch(`${apiAddress(groqBaseUrl)}/openai/v1/models`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return error instanceof Error ? error.name : 'unknown';
  }
}

async function checkRotation({ client, environmentName, teams, awaited }: SecretTarget): Promise<Outcome> {
  const faults: string[] = [];
  let waiting = 0;
  for (const team of teams) {
    try {
      const SecretId = groqSecretName(team, environmentName);
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
      const versions = new Map(Object.entries(VersionIdsToStages));
      const queue = stagedQueue(versions);
      waiting += queue.length;
      const pending = versionWith(versions, VERSION_LABEL.pending);
      if (pending !== undefined && pending !== versionWith(versions, VERSION_LABEL.current))
        faults.push(`${team}: a rotation is under way or has died; see groq-key status`);
      if (queue.length === 0 && awaited.includes(team)) faults.push(`${team}: no key waits; groq-key stage`);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      faults.push(`${team}: has no secret`);
    }
  }
  return some(faults, `${teams.length} secrets, ${waiting} staged keys`);
}

function some(faults: readonly string[], evidence: string): Outcome {
  if (faults.length === 0) return outcome(true, evidence);
  const more = faults.length > NAMED ? `; and ${faults.length - NAMED} more` : '';
  return outcome(false, faults.slice(0, NAMED).join('; ') + more);
}
