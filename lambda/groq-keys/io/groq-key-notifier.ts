import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { GROQ_KEY_EVENT } from '../../contract.ts';
import { formatUtc } from '../../kernel/period.ts';
import { StoreError } from '../../kernel/store-error.ts';
import type { OperatorsTopic } from '../../telemetry/io/operators-topic.ts';
import type { GroqKeyEvent, GroqKeyNotifier } from '../groq-key-events.ts';

/** Options of the notifier. */
export type NotifierOptions = {
  readonly events: EventBridgeClient;
  readonly topic: Pick<OperatorsTopic, 'notify'>;
  readonly objects: S3Client;
  readonly bucket: string;
  readonly environmentName: string;
};

/** Sends each event to EventBridge and to the operators' topic, and stores reports in S3. */
export class AwsGroqKeyNotifier implements GroqKeyNotifier {
  readonly #options: NotifierOptions;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  async notify({ lines, atEpochMs, ...event }: GroqKeyEvent): Promise<void> {
    const { events, topic, environmentName } = this.#options;
    const Detail = JSON.stringify({ environment: environmentName, ...event, at: formatUtc(atEpochMs) });
    const entry = { Source: GROQ_KEY_EVENT.source, DetailType: GROQ_KEY_EVENT.detailType, Detail };
    try {
      const { FailedEntryCount = 0 } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (FailedEntryCount > 0) throw new StoreError('event bus', 'EventBridge rejected the event');
    } catch (cause) {
      throw new StoreError('event bus', 'cannot send an event', { cause });
    }
    await topic.notify(`Groq gateway ${environmentName}: Groq key of ${event.team}`, lines);
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
