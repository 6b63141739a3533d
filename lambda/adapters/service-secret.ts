import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { teamOfServiceSecret } from '../contract.ts';
import { isObject } from '../core/chat-request.ts';
import type { ServiceKey, ServiceSecret } from '../core/rotate-service-key.ts';
import { RotatedSecret } from './rotated-secret.ts';

/** The secret that a team's services read their key from, in Secrets Manager. */
export function teamServiceSecret(
  client: SecretsManagerClient,
  secretId: string,
  environmentName: string,
): ServiceSecret {
  return new RotatedSecret(client, secretId, {
    what: "secret of a team's services",
    teamOf: (name) => teamOfServiceSecret(name, environmentName),
    parse: serviceKeyOf,
  });
}

function serviceKeyOf(text: string | undefined): ServiceKey | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { apiKey, keyId, name, createdAt } = value;
  const isKey =
    typeof apiKey === 'string' &&
    typeof keyId === 'string' &&
    typeof name === 'string' &&
    typeof createdAt === 'string';
  return isKey ? { apiKey, keyId, name, createdAt } : undefined;
}
