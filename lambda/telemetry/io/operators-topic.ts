import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { StoreError } from '../../kernel/store-error.ts';

/** Maximum lines of a message. SNS accepts 256 KB (Publish API reference, read 2026-11-25). */
const MAX_LINES = 200;
/** Maximum characters of a subject, set by SNS. */
const MAX_SUBJECT_LENGTH = 100;

/** The SNS topic of the alarms, for notifications to the operators. */
export class OperatorsTopic {
  readonly #client: SNSClient;
  readonly #topicArn: string;

  constructor(client: SNSClient, topicArn: string) {
    this.#client = client;
    this.#topicArn = topicArn;
  }

  /** Sends one message. @throws StoreError */
  async notify(subject: string, lines: readonly string[]): Promise<void> {
    const more = lines.length > MAX_LINES ? [`And ${lines.length - MAX_LINES} more; the log has all.`] : [];
    const Message = [...lines.slice(0, MAX_LINES), ...more].join('\n');
    try {
      await this.#client.send(
        new PublishCommand({ TopicArn: this.#topicArn, Subject: subject.slice(0, MAX_SUBJECT_LENGTH), Message }),
      );
    } catch (cause) {
      throw new StoreError('operators topic', 'cannot notify the operators', { cause });
    }
  }
}
