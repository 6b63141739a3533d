import { ENV } from '../../lambda/contract.ts';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { grantSecretAccess } from '../keys/secret-access.ts';

/** Lets a function read the one secret that has a webhook's address, and tells it which that is. */
export function grantReadWebhook(
  notifier: GatewayFunction,
  { kind, secretName }: NonNullable<DeploymentSettings['webhook']>,
): void {
  notifier.function.addEnvironment(ENV.webhookKind, kind);
  notifier.function.addEnvironment(ENV.webhookSecret, secretName);
  const reason = 'Secrets Manager adds a suffix to the ARN of the one secret that is meant.';
  grantSecretAccess(notifier, secretName, ['GetSecretValue'], reason);
}
