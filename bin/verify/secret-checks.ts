import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { GroqKeys } from '../../lambda/adapters/groq-keys.ts';
import { groqAddress, groqSecretName } from '../../lambda/contract.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** Whose secrets are looked at, and where their keys are tried. */
export type SecretTarget = {
  readonly client: SecretsManagerClient;
  readonly environmentName: string;
  readonly teams: readonly string[];
  readonly groqBaseUrl: string;
  /** Whether this deployment rotates secrets at all. */
  readonly rotates: boolean;
};

const TIMEOUT_MS = 10_000;
/** How many teams a line of evidence names. */
const NAMED = 10;

/** Each team's Groq key: there, accepted by Groq, and rotated. No key is ever printed. */
export function secretChecks(target: SecretTarget): readonly Check[] {
  return [
    { id: 'groq-keys', title: 'Every team has a Groq key that Groq accepts', run: async () => await checkKeys(target) },
    { id: 'rotation', title: 'Every Groq key is scheduled for rotation', run: async () => await checkRotation(target) },
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
    const response = await fetch(`${groqAddress(groqBaseUrl)}/openai/v1/models`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return error instanceof Error ? error.name : 'unknown';
  }
}

async function checkRotation({ client, environmentName, teams, rotates }: SecretTarget): Promise<Outcome> {
  if (!rotates) return { status: 'skip', evidence: 'this deployment has no rotation function; change keys by hand' };
  const faults: string[] = [];
  for (const team of teams) {
    try {
      const SecretId = groqSecretName(team, environmentName);
      const { RotationEnabled } = await client.send(new DescribeSecretCommand({ SecretId }));
      if (RotationEnabled !== true) faults.push(`${team}: not scheduled`);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      faults.push(`${team}: has no secret`);
    }
  }
  return some(faults, `${teams.length} secrets, each scheduled`);
}

function some(faults: readonly string[], evidence: string): Outcome {
  if (faults.length === 0) return outcome(true, evidence);
  const more = faults.length > NAMED ? `; and ${faults.length - NAMED} more` : '';
  return outcome(false, faults.slice(0, NAMED).join('; ') + more);
}
