import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import type { BudgetSnapshot } from '../../ledger/budget-snapshot.ts';
import { parseBudgetSnapshot } from '../../ledger/io/ledger-item.ts';
import type { LedgerRecord } from '../../ledger/io/reservation-end-item.ts';
import type { UsageCounter } from '../ports.ts';
import { parseRecords } from './ledger-records.ts';

/** Dependencies of the projector. */
export type ProjectorPorts = {
  readonly usage: UsageCounter;
  /** Delivers alerts of crossed thresholds. Failures are logged, and the sweep retries them. */
  readonly deliverAlerts: (budgetSnapshots: readonly BudgetSnapshot[]) => Promise<unknown>;
  readonly log: Log;
};

/**
 * Creates the projector, which counts the ledger's stream into usage. It reports malformed records to Lambda, which
 * retries them and finally sends them to the dead-letter queue, after all others of the batch have been counted. If the
 * table fails, Lambda retries the whole batch.
 *
 * @throws StoreError if ends or refusals may not have been counted.
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
    // Alerts come after counting, because they name the models and keys with the highest cost.
    await deliverAlerts(images.flatMap(({ NewImage }) => parseBudgetSnapshot(NewImage) ?? []));
    return { batchItemFailures: unreadable.map((itemIdentifier) => ({ itemIdentifier })) };
  });
}

/** Lambda's images equal the SDK's except for binary values, which a ledger does not have. */
function toLedgerRecord({ dynamodb }: DynamoDBRecord): LedgerRecord {
  return { NewImage: dynamodb?.NewImage, OldImage: dynamodb?.OldImage } as LedgerRecord;
}
