import middy from '@middy/core';
import type { Log } from '../../kernel/clock.ts';
import type { WebhookKind } from '../../policy/deployment-settings.ts';
import { parseAlert, webhookBody } from '../webhook-message.ts';

/** What telling by a webhook needs of the world. */
export type WebhookPorts = {
  readonly kind: WebhookKind;
  readonly webhook: { post(body: string): Promise<void> };
  readonly log: Log;
};

/**
 * Makes the function that passes alerts on to a webhook. Lambda tries it again when it fails, and at last keeps the event
 * in a queue.
 *
 * @throws StoreError when the message was not taken, and Error when the event is no alert.
 */
export function createWebhookHandler({ kind, webhook, log }: WebhookPorts) {
  return middy<{ readonly detail?: unknown }, void>({ timeoutEarlyInMillis: 0 }).handler(async ({ detail }) => {
    const alert = parseAlert(detail);
    if (alert === undefined) throw new Error('the event is no alert');
    await webhook.post(webhookBody(kind, alert));
    log('alert_posted', { alertId: alert.alertId, kind });
  });
}
