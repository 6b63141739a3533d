import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { teamFromServiceSecret } from '../../contract.ts';
import { parseObject } from '../../kernel/json/json-object.ts';
import { RotatedSecret } from '../../secrets/io/rotated-secret.ts';
import type { ServiceKey, ServiceSecret } from '../rotate-service-key.ts';

/** Opens the secret that a team's services read their key from, by its name or ARN. */
export function teamServiceSecret(
  client: SecretsManagerClient,
  secretId: string,
  environmentName: string,
): ServiceSecret {
  return new RotatedSecret(client, secretId, {
    description: "secret of a team's services",
    parseTeam: (name) => teamFromServiceSecret(name, environmentName),
    parse: parseServiceKey,
  });
}

function parseServiceKey(text: string | undefined): ServiceKey | undefined {
  const { apiKey, keyId, name, createdAt } = parseObject(text ?? '') ?? {};
  const isKey =
    typeof apiKey === 'string' &&
    typeof keyId === 'string' &&
    typeof name === 'string' &&
    typeof createdAt === 'string';
  return isKey ? { apiKey, keyId, name, createdAt } : undefined;
}
