import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ALERT_EVENT } from '../../contract.ts';
import { StoreError } from '../../kernel/store-error.ts';
import type { Alert } from '../alert.ts';

/** Publishes alerts as EventBridge events. */
export class EventBus {
  readonly #client: EventBridgeClient;
  readonly #name: string;

  constructor(client: EventBridgeClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /**
   * Publishes one alert.
   *
   * @throws StoreError if EventBridge cannot be reached or rejects the event.
   */
  async publish(alert: Alert): Promise<void> {
    const entry = {
      EventBusName: this.#name,
      Source: ALERT_EVENT.source,
      DetailType: ALERT_EVENT.detailType,
      Detail: JSON.stringify(alert),
    };
    const result = await this.#client.send(new PutEventsCommand({ Entries: [entry] })).catch((cause: unknown) => {
      throw new StoreError('event bus', 'cannot reach EventBridge', { cause });
    });
    // EventBridge responds with 200 even if it rejects an event.
    if (result.FailedEntryCount !== 0)
      throw new StoreError(
        'event bus',
        `EventBridge rejected the event: ${result.Entries?.[0]?.ErrorCode ?? 'unknown'}`,
      );
  }
}
