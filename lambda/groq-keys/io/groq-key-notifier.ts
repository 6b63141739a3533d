import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { GROQ_KEY_EVENT } from '../../contract.ts';
import { formatUtc } from '../../kernel/period.ts';
import { StoreError } from '../../kernel/store-error.ts';
import type { OperatorsTopic } from '../../telemetry/io/operators-topic.ts';
import type { GroqKeyEvent, GroqKeyNotifier } from '../groq-key-events.ts';

/** By what, and where to. */
export type NotifierOptions = {
  readonly events: EventBridgeClient;
  readonly topic: Pick<OperatorsTopic, 'notify'>;
  readonly objects: S3Client;
  readonly bucket: string;
  readonly environmentName: string;
};

/** Tells news of Groq keys as an event and as a message to the operators, and keeps reports in the bucket. */
export class AwsGroqKeyNotifier implements GroqKeyNotifier {
  readonly #options: NotifierOptions;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  async notify({ lines, atEpochMs, ...news }: GroqKeyEvent): Promise<void> {
    const { events, topic, environmentName } = this.#options;
    const Detail = JSON.stringify({ environment: environmentName, ...news, at: formatUtc(atEpochMs) });
    const entry = { Source: GROQ_KEY_EVENT.source, DetailType: GROQ_KEY_EVENT.detailType, Detail };
    try {
      const { FailedEntryCount = 0 } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (FailedEntryCount > 0) throw new StoreError('event bus', 'EventBridge took no event');
    } catch (cause) {
      throw new StoreError('event bus', 'cannot send an event', { cause });
    }
    await topic.notify(`Groq gateway ${environmentName}: Groq key of ${news.team}`, lines);
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
