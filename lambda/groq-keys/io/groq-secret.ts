import { RotateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groqSecretName, teamFromGroqSecret } from '../../contract.ts';
import { type GroqKey, parseGroqKey } from '../../groq/groq-key-versions.ts';
import { deriveGroqKeyId } from '../../groq/io/groq-key-id.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { RotatedSecret } from '../../secrets/io/rotated-secret.ts';

/** A team's Groq secret in Secrets Manager, by its name or ARN. */
export function groqSecret(
  client: SecretsManagerClient,
  secretId: string,
  environmentName: string,
): RotatedSecret<GroqKey> {
  return new RotatedSecret(client, secretId, {
    description: "secret of a team's Groq key",
    parseTeam: (name) => teamFromGroqSecret(name, environmentName),
    parse: (text) => parseGroqKey(text, deriveGroqKeyId),
  });
}

/**
 * Lets Secrets Manager begin a rotation of a team's Groq key. It is given the function each time and no schedule, so that
 * a secret needs neither before it holds its first key.
 *
 * @throws StoreError with AWS's own words, such as of a rotation that is under way.
 */
export async function startGroqRotation(
  client: SecretsManagerClient,
  team: string,
  environmentName: string,
  functionArn: string,
): Promise<void> {
  const SecretId = groqSecretName(team, environmentName);
  try {
    await client.send(new RotateSecretCommand({ SecretId, RotationLambdaARN: functionArn, RotateImmediately: true }));
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'unknown';
    throw new StoreError('secrets', `Secrets Manager began no rotation of ${SecretId}: ${why}`, { cause });
  }
}
