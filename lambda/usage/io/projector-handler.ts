import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import type { BudgetSnapshot } from '../../ledger/budget-snapshot.ts';
import { parseBudgetSnapshot } from '../../ledger/io/ledger-item.ts';
import type { LedgerRecord } from '../../ledger/io/reservation-end-item.ts';
import type { UsageCounter } from '../ports.ts';
import { parseRecords } from './ledger-records.ts';

/** What the projector needs of the world. */
export type ProjectorPorts = {
  readonly usage: UsageCounter;
  /** Tells thresholds that have been crossed. What fails is logged, and left to the sweep. */
  readonly deliverAlerts: (budgetSnapshots: readonly BudgetSnapshot[]) => Promise<unknown>;
  readonly log: Log;
};

/**
 * Makes the projector: from the ledger's stream to usage. Records that cannot be read are told to Lambda, which tries
 * them again and at last hands them to the dead letters; all others of the batch have been counted by then. When the
 * table fails, the whole batch is to come again.
 *
 * @throws StoreError when ends or refusals may not have been counted.
 */
export function createProjectorHandler({ usage, deliverAlerts, log }: ProjectorPorts) {
  return middy<DynamoDBStreamEvent, DynamoDBBatchResponse>({ timeoutEarlyInMillis: 0 }).handler(async ({ Records }) => {
    const images = Records.map(toLedgerRecord);
    const unreadable: string[] = [];
    const { ends, refusals } = parseRecords(images, (index, why) => {
      const sequenceNumber = Records[index]?.dynamodb?.SequenceNumber ?? '';
      log('unreadable_record', { sequenceNumber, why });
      unreadable.push(sequenceNumber);
    });
    await usage.count(ends);
    await usage.countRefusals(refusals);
    // After it: an alert says what the money went to.
    await deliverAlerts(images.flatMap(({ NewImage }) => parseBudgetSnapshot(NewImage) ?? []));
    return { batchItemFailures: unreadable.map((itemIdentifier) => ({ itemIdentifier })) };
  });
}

/** Lambda's images are those of the SDK, but for binary values, which a ledger has none of. */
function toLedgerRecord({ dynamodb }: DynamoDBRecord): LedgerRecord {
  return { NewImage: dynamodb?.NewImage, OldImage: dynamodb?.OldImage } as LedgerRecord;
}
