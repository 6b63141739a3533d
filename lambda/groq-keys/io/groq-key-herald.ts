import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { GROQ_KEY_EVENT } from '../../contract.ts';
import { utcText } from '../../kernel/period.ts';
import { StoreError } from '../../kernel/store-error.ts';
import type { OperatorsTopic } from '../../telemetry/io/operators-topic.ts';
import type { GroqKeyHerald, GroqKeyNews } from '../groq-key-news.ts';

/** By what, and where to. */
export type HeraldOptions = {
  readonly events: EventBridgeClient;
  readonly topic: Pick<OperatorsTopic, 'tell'>;
  readonly objects: S3Client;
  readonly bucket: string;
  readonly environmentName: string;
};

/** Tells news of Groq keys as an event and as a message to the operators, and keeps reports in the bucket. */
export class AwsGroqKeyHerald implements GroqKeyHerald {
  readonly #options: HeraldOptions;

  constructor(options: HeraldOptions) {
    this.#options = options;
  }

  async tell({ lines, atEpochMs, ...news }: GroqKeyNews): Promise<void> {
    const { events, topic, environmentName } = this.#options;
    const Detail = JSON.stringify({ environment: environmentName, ...news, at: utcText(atEpochMs) });
    const entry = { Source: GROQ_KEY_EVENT.source, DetailType: GROQ_KEY_EVENT.detailType, Detail };
    try {
      const { FailedEntryCount = 0 } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (FailedEntryCount > 0) throw new StoreError('event bus', 'EventBridge took no event');
    } catch (cause) {
      throw new StoreError('event bus', 'cannot send an event', { cause });
    }
    await topic.tell(`Groq gateway ${environmentName}: Groq key of ${news.team}`, lines);
  }

  async keep(path: string, markdown: string): Promise<string> {
    const { objects, bucket } = this.#options;
    const ContentType = 'text/markdown; charset=utf-8';
    try {
      await objects.send(new PutObjectCommand({ Bucket: bucket, Key: path, Body: markdown, ContentType }));
    } catch (cause) {
      throw new StoreError('reports bucket', 'cannot keep a report', { cause });
    }
    return `s3://${bucket}/${path}`;
  }
}
