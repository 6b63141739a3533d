import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ALERT_EVENT } from '../../contract.ts';
import { StoreError } from '../../kernel/store-error.ts';
import type { Alert } from '../alert.ts';

/** Tells alerts as events, for whatever rule wants them. */
export class EventBus {
  readonly #client: EventBridgeClient;
  readonly #name: string;

  constructor(client: EventBridgeClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Sends one event. @throws StoreError */
  async publish(alert: Alert): Promise<void> {
    const entry = {
      EventBusName: this.#name,
      Source: ALERT_EVENT.source,
      DetailType: ALERT_EVENT.detailType,
      Detail: JSON.stringify(alert),
    };
    const taken = await this.#client.send(new PutEventsCommand({ Entries: [entry] })).catch((cause: unknown) => {
      throw new StoreError('event bus', 'cannot reach EventBridge', { cause });
    });
    // EventBridge answers 200 and tells of each event whether it was taken.
    if (taken.FailedEntryCount !== 0)
      throw new StoreError(
        'event bus',
        `EventBridge did not take the event: ${taken.Entries?.[0]?.ErrorCode ?? 'unknown'}`,
      );
  }
}
