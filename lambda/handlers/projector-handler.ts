import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { endsOf, type LedgerRecord, UnreadableRecord } from '../adapters/ledger-ends.ts';
import { refusalsOf } from '../adapters/refusal-item.ts';
import type { Log } from '../core/ports.ts';
import type { RefusalBatch } from '../core/refusal-tally.ts';
import type { LedgerEnd } from '../core/usage.ts';

/** What the projector needs of the world. */
export type ProjectorPorts = {
  readonly usage: {
    count(ends: readonly LedgerEnd[]): Promise<number>;
    countRefusals(batches: readonly RefusalBatch[]): Promise<number>;
  };
  readonly log: Log;
};

/**
 * Makes the projector: from the ledger's stream to usage. Records that cannot be read are told to Lambda, which tries
 * them again and at last hands them to the dead letters; all others of the batch have been counted by then. When the
 * table fails, the whole batch is to come again.
 *
 * @throws UsageError when ends or refusals may not have been counted.
 */
export function createProjector({ usage, log }: ProjectorPorts) {
  return middy<DynamoDBStreamEvent, DynamoDBBatchResponse>({ timeoutEarlyInMillis: 0 }).handler(async ({ Records }) => {
    const ends: LedgerEnd[] = [];
    const refusals: RefusalBatch[] = [];
    const unreadable: string[] = [];
    for (const record of Records) {
      try {
        const images = imagesOf(record);
        ends.push(...endsOf(images));
        const refused = refusalsOf(images);
        if (refused !== undefined) refusals.push(refused);
      } catch (error) {
        if (!(error instanceof UnreadableRecord)) throw error;
        const sequenceNumber = record.dynamodb?.SequenceNumber ?? '';
        log('unreadable_record', { sequenceNumber, why: error.message });
        unreadable.push(sequenceNumber);
      }
    }
    await usage.count(ends);
    await usage.countRefusals(refusals);
    return { batchItemFailures: unreadable.map((itemIdentifier) => ({ itemIdentifier })) };
  });
}

/** Lambda's images are those of the SDK, but for binary values, which a ledger has none of. */
function imagesOf({ dynamodb }: DynamoDBRecord): LedgerRecord {
  return { NewImage: dynamodb?.NewImage, OldImage: dynamodb?.OldImage } as LedgerRecord;
}
