import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { groqSecretName, normalizeBaseUrl } from '../../lambda/contract.ts';
import { stagedQueue } from '../../lambda/groq/groq-key-versions.ts';
import { GroqKeys } from '../../lambda/groq/io/groq-keys.ts';
import { findVersion, VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** The teams whose secrets are checked, and the upstream that their keys are tested on. */
export type SecretTarget = {
  readonly client: SecretsManagerClient;
  readonly environmentName: string;
  readonly teams: readonly string[];
  readonly groqBaseUrl: string;
  /** Teams whose policy rotates keys on a schedule, so that a key should be staged. */
  readonly teamsNeedingStagedKey: readonly string[];
};

const TIMEOUT_MS = 10_000;
/** The most teams that one line of evidence names. */
const MAX_NAMED_TEAMS = 10;

/** Checks that each team's Groq key exists, is accepted by Groq, and can be rotated. Never prints a key. */
export function secretChecks(target: SecretTarget): readonly Check[] {
  return [
    { id: 'groq-keys', title: 'Every team has a Groq key that Groq accepts', run: async () => await checkKeys(target) },
    {
      id: 'rotation',
      title: 'No rotation of a Groq key is stuck or lacks a staged key',
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
      const status = await probeStatus(groqBaseUrl, key.apiKey);
      if (status !== 200) faults.push(`${team}: GET /models returned ${status}`);
    }
  }
  return summarizeFaults(faults, `${teams.length} keys, GET /models returned 200 for each`);
}

async function probeStatus(groqBaseUrl: string, key: string): Promise<number | string> {
  try {
    const response = await fetch(`${normalizeBaseUrl(groqBaseUrl)}/openai/v1/models`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return error instanceof Error ? error.name : 'unknown';
  }
}

async function checkRotation({
  client,
  environmentName,
  teams,
  teamsNeedingStagedKey,
}: SecretTarget): Promise<Outcome> {
  const faults: string[] = [];
  let waiting = 0;
  for (const team of teams) {
    try {
      const SecretId = groqSecretName(team, environmentName);
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
      const versions = new Map(Object.entries(VersionIdsToStages));
      const queue = stagedQueue(versions);
      waiting += queue.length;
      const pending = findVersion(versions, VERSION_LABEL.pending);
      if (pending !== undefined && pending !== findVersion(versions, VERSION_LABEL.current))
        faults.push(`${team}: a rotation is in progress or has failed; see groq-key status`);
      if (queue.length === 0 && teamsNeedingStagedKey.includes(team))
        faults.push(`${team}: no key is staged; use groq-key stage`);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      faults.push(`${team}: no secret`);
    }
  }
  return summarizeFaults(faults, `${teams.length} secrets, ${waiting} staged keys`);
}

function summarizeFaults(faults: readonly string[], evidence: string): Outcome {
  if (faults.length === 0) return outcome(true, evidence);
  const more = faults.length > MAX_NAMED_TEAMS ? `; and ${faults.length - MAX_NAMED_TEAMS} more` : '';
  return outcome(false, faults.slice(0, MAX_NAMED_TEAMS).join('; ') + more);
}
