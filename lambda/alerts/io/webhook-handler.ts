import middy from '@middy/core';
import type { Log } from '../../kernel/clock.ts';
import type { WebhookKind } from '../../policy/deployment-settings.ts';
import { parseAlert, webhookBody } from '../webhook-message.ts';

/** Dependencies of the webhook function. */
export type WebhookPorts = {
  readonly kind: WebhookKind;
  readonly webhook: { post(body: string): Promise<void> };
  readonly log: Log;
};

/**
 * Creates the function that forwards alerts to a webhook. If it fails, Lambda retries it and finally sends the event to a
 * dead-letter queue.
 *
 * @throws StoreError if the webhook rejects the message, and Error if the event is not an alert.
 */
export function createWebhookHandler({ kind, webhook, log }: WebhookPorts) {
  return middy<{ readonly detail?: unknown }, void>({ timeoutEarlyInMillis: 0 }).handler(async ({ detail }) => {
    const alert = parseAlert(detail);
    if (alert === undefined) throw new Error('the event is not an alert');
    await webhook.post(webhookBody(kind, alert));
    log('alert_posted', { alertId: alert.alertId, kind });
  });
}
