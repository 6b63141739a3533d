import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { expect, it } from 'vitest';
import { buildAlert } from '../../../../lambda/alerts/alert.ts';
import { EventBus } from '../../../../lambda/alerts/io/event-bus.ts';
import { snapshotWith, usd } from '../../../support/alert-delivery.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';

const alert = buildAlert('prod', { ...snapshotWith({ spentPicoUsd: usd(81) }), threshold: '80%' }, [], START_MS);
const createBus = (send: () => Promise<unknown>) => new EventBus({ send } as unknown as EventBridgeClient, 'default');

it('fails if EventBridge responds but rejects the event, so that the alert is retried', async () => {
  const full = { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] };
  await expect(createBus(async () => full).publish(alert)).rejects.toThrow(/rejected the event: ThrottlingException/);
  await expect(createBus(async () => Promise.reject(new Error('no'))).publish(alert)).rejects.toThrow(/cannot reach/);
  await createBus(async () => ({ FailedEntryCount: 0, Entries: [{ EventId: 'e' }] })).publish(alert);
});
