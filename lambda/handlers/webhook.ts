import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Webhook } from '../adapters/webhook.ts';
import { readWebhookVariables } from './environment-variables.ts';
import { systemLog } from './system.ts';
import { createWebhook } from './webhook-handler.ts';

const { kind, secretName } = readWebhookVariables(process.env);

/** The entry point of the function that passes alerts on to Slack or Teams. */
export const handler = createWebhook({
  kind,
  webhook: new Webhook(new SecretsManagerClient({}), secretName),
  log: systemLog,
});
