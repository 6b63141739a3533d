import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { expect, it } from 'vitest';
import { buildAlert } from '../../../../lambda/alerts/alert.ts';
import { EventBus } from '../../../../lambda/alerts/io/event-bus.ts';
import { snapshotWith, usd } from '../../../support/alert-delivery.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';

const alert = buildAlert('prod', { ...snapshotWith({ spentPicoUsd: usd(81) }), threshold: '80%' }, [], START_MS);
const busThat = (send: () => Promise<unknown>) => new EventBus({ send } as unknown as EventBridgeClient, 'default');

it('fails where EventBridge answers and has not taken the event, so that the alert is told again', async () => {
  const full = { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] };
  await expect(busThat(async () => full).publish(alert)).rejects.toThrow(/did not take the event: ThrottlingException/);
  await expect(busThat(async () => Promise.reject(new Error('no'))).publish(alert)).rejects.toThrow(/cannot reach/);
  await busThat(async () => ({ FailedEntryCount: 0, Entries: [{ EventId: 'e' }] })).publish(alert);
});
