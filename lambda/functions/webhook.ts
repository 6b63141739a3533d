import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Webhook } from '../alerts/io/webhook.ts';
import { createWebhookHandler } from '../alerts/io/webhook-handler.ts';
import { systemLog } from '../kernel/io/system.ts';
import { readWebhookVariables } from './environment-variables.ts';

const { kind, secretName } = readWebhookVariables(process.env);

/** Entry point of the function that sends budget alerts to Slack or Teams. */
export const handler = createWebhookHandler({
  kind,
  webhook: new Webhook(new SecretsManagerClient({}), secretName),
  log: systemLog,
});
