import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { StoreError } from '../../kernel/store-error.ts';

/** The most lines of a message: SNS takes 256 KB (Publish API reference, read 2026-11-25), and people read fewer. */
const MAX_LINES = 200;
/** The longest subject that SNS takes. */
const MAX_SUBJECT = 100;

/** Tells the operators by the topic that alarms go to. */
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
        new PublishCommand({ TopicArn: this.#topicArn, Subject: subject.slice(0, MAX_SUBJECT), Message }),
      );
    } catch (cause) {
      throw new StoreError('operators topic', 'cannot tell the operators', { cause });
    }
  }
}
