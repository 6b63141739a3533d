import { ENV } from '../../lambda/contract.ts';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { letUseSecrets } from '../keys/secret-rights.ts';

/** Lets a function read the one secret that has a webhook's address, and tells it which that is. */
export function letReadWebhook(
  teller: GatewayFunction,
  { kind, secretName }: NonNullable<DeploymentSettings['webhook']>,
): void {
  teller.function.addEnvironment(ENV.webhookKind, kind);
  teller.function.addEnvironment(ENV.webhookSecret, secretName);
  const reason = 'Secrets Manager adds a suffix to the ARN of the one secret that is meant.';
  letUseSecrets(teller, secretName, ['GetSecretValue'], reason);
}
