import { ENV } from '../../lambda/contract.ts';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { grantSecretAccess } from '../keys/secret-access.ts';

/** Lets a function read the secret with a webhook's URL, and sets its environment variables. */
export function grantReadWebhook(
  notifier: GatewayFunction,
  { kind, secretName }: NonNullable<DeploymentSettings['webhook']>,
): void {
  notifier.function.addEnvironment(ENV.webhookKind, kind);
  notifier.function.addEnvironment(ENV.webhookSecret, secretName);
  const reason = 'Secrets Manager adds a random suffix to the ARN of the secret.';
  grantSecretAccess(notifier, secretName, ['GetSecretValue'], reason);
}
