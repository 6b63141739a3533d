import { RotateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groqSecretName, teamFromGroqSecret } from '../../contract.ts';
import { type GroqKey, parseGroqKey } from '../../groq/groq-key-versions.ts';
import { deriveGroqKeyId } from '../../groq/io/groq-key-id.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { RotatedSecret } from '../../secrets/io/rotated-secret.ts';

/** Opens a team's Groq secret by its name or ARN. */
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
 * Makes Secrets Manager start a rotation of a team's Groq key. Each call names the function: a secret configured with one,
 * or with a schedule, would be rotated before it has its first key.
 *
 * @throws StoreError with AWS's message, for example that a rotation is in progress.
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
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'unknown';
    throw new StoreError('secrets', `Secrets Manager did not start a rotation of ${SecretId}: ${reason}`, { cause });
  }
}
