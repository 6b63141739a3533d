import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import type { Sight } from '../../ledger/budget-standing.ts';
import type { LedgerRecord } from '../../ledger/io/ledger-ends.ts';
import { sightOf } from '../../ledger/io/ledger-sights.ts';
import type { UsageCounter } from '../ports.ts';
import { countableIn } from './ledger-records.ts';

/** What the projector needs of the world. */
export type ProjectorPorts = {
  readonly usage: UsageCounter;
  /** Tells thresholds that have been crossed. What fails is logged, and left to the sweep. */
  readonly announce: (sights: readonly Sight[]) => Promise<unknown>;
  readonly log: Log;
};

/**
 * Makes the projector: from the ledger's stream to usage. Records that cannot be read are told to Lambda, which tries
 * them again and at last hands them to the dead letters; all others of the batch have been counted by then. When the
 * table fails, the whole batch is to come again.
 *
 * @throws StoreError when ends or refusals may not have been counted.
 */
export function createProjector({ usage, announce, log }: ProjectorPorts) {
  return middy<DynamoDBStreamEvent, DynamoDBBatchResponse>({ timeoutEarlyInMillis: 0 }).handler(async ({ Records }) => {
    const images = Records.map(imagesOf);
    const unreadable: string[] = [];
    const { ends, refusals } = countableIn(images, (index, why) => {
      const sequenceNumber = Records[index]?.dynamodb?.SequenceNumber ?? '';
      log('unreadable_record', { sequenceNumber, why });
      unreadable.push(sequenceNumber);
    });
    await usage.count(ends);
    await usage.countRefusals(refusals);
    // After it: an alert says what the money went to.
    await announce(images.flatMap(({ NewImage }) => sightOf(NewImage) ?? []));
    return { batchItemFailures: unreadable.map((itemIdentifier) => ({ itemIdentifier })) };
  });
}

/** Lambda's images are those of the SDK, but for binary values, which a ledger has none of. */
function imagesOf({ dynamodb }: DynamoDBRecord): LedgerRecord {
  return { NewImage: dynamodb?.NewImage, OldImage: dynamodb?.OldImage } as LedgerRecord;
}
