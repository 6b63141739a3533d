import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { CATALOG_EVENT, GROQ_KEY_EVENT } from '../../contract.ts';
import { formatUtc } from '../../kernel/period.ts';
import { StoreError } from '../../kernel/store-error.ts';
import type { CatalogDifference } from '../../pricing/catalog-diff.ts';
import type { OperatorsTopic } from '../../telemetry/io/operators-topic.ts';
import type { GroqKeyEvent, GroqKeyNotifier } from '../groq-key-events.ts';
import type { CatalogNotifier } from '../watch/watch-catalog.ts';

/** Options of the notifier. */
export type NotifierOptions = {
  readonly events: EventBridgeClient;
  readonly topic: Pick<OperatorsTopic, 'notify'>;
  readonly objects: S3Client;
  readonly bucket: string;
  readonly environmentName: string;
};

/** Differences in one event; the log has all. */
const MAX_DIFFERENCES = 200;

/** Sends each event to EventBridge and to the operators' topic, and stores reports in S3. */
export class AwsGroqKeyNotifier implements GroqKeyNotifier, CatalogNotifier {
  readonly #options: NotifierOptions;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  async notify({ lines, atEpochMs, ...event }: GroqKeyEvent): Promise<void> {
    const { topic, environmentName } = this.#options;
    await this.#send(GROQ_KEY_EVENT, { ...event, at: formatUtc(atEpochMs) });
    await topic.notify(`Groq gateway ${environmentName}: Groq key of ${event.team}`, lines);
  }

  async notifyDifferences(differences: readonly CatalogDifference[], atEpochMs: number): Promise<void> {
    const { topic, environmentName } = this.#options;
    // EventBridge takes entries of up to 256 KB (PutEvents API reference, read 2026-11-25).
    const sent = differences.slice(0, MAX_DIFFERENCES);
    await this.#send(CATALOG_EVENT, { kind: 'catalog_differs', differences: sent, at: formatUtc(atEpochMs) });
    await topic.notify(`Groq gateway ${environmentName}: the catalog differs from Groq's list of models`, [
      ...differences.map(
        ({ model, field, catalog, groq }) => `${model}: ${field} is ${catalog} in the catalog, ${groq} at Groq`,
      ),
      `Compare them: npx groq-rbac catalog diff --env ${environmentName}. Runbook: docs/operations.md#catalog-differences`,
    ]);
  }

  async #send(event: typeof GROQ_KEY_EVENT | typeof CATALOG_EVENT, detail: object): Promise<void> {
    const { events, environmentName } = this.#options;
    const Detail = JSON.stringify({ environment: environmentName, ...detail });
    const entry = { Source: event.source, DetailType: event.detailType, Detail };
    try {
      const { FailedEntryCount = 0 } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (FailedEntryCount > 0) throw new StoreError('event bus', 'EventBridge rejected the event');
    } catch (cause) {
      throw new StoreError('event bus', 'cannot send an event', { cause });
    }
  }

  async saveReport(path: string, markdown: string): Promise<string> {
    const { objects, bucket } = this.#options;
    const ContentType = 'text/markdown; charset=utf-8';
    try {
      await objects.send(new PutObjectCommand({ Bucket: bucket, Key: path, Body: markdown, ContentType }));
    } catch (cause) {
      throw new StoreError('reports bucket', 'cannot write the report', { cause });
    }
    return `s3://${bucket}/${path}`;
  }
}
