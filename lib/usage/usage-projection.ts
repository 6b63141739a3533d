import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { DeadLetterQueue } from '../monitoring/dead-letter-queue.ts';

/** Props of {@link UsageProjection}. */
export type UsageProjectionProps = {
  readonly projector: GatewayFunction;
  /** The table must have a stream. */
  readonly ledger: GatewayTable;
};

/** Maximum records per batch and time to gather them. A batch takes one or two transactions. */
const BATCH_SIZE = 100;
const BATCHING_WINDOW = Duration.seconds(1);
/** Maximum retries of a batch, which is halved each time: some minutes for a failing table or a malformed record. */
const MAX_BATCH_RETRIES = 50;

/** Feeds the ledger's stream to the projector. A record whose retries are exhausted leaves a message in `deadLetters`. */
export class UsageProjection extends Construct {
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { projector, ledger }: UsageProjectionProps) {
    super(scope, id);
    const stream = ledger.table.tableStreamArn;
    if (stream === undefined) throw new Error('the ledger has no stream');
    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters');
    projector.role.addToPolicy(
      new PolicyStatement({
        actions: ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((name) => `dynamodb:${name}`),
        resources: [stream],
      }),
    );
    projector.role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.deadLetters.queueArn] }),
    );
    const mapping = new EventSourceMapping(this, 'Source', {
      target: projector.function,
      eventSourceArn: stream,
      // Start with the oldest record, so that calls during the deployment count, too.
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: BATCH_SIZE,
      maxBatchingWindow: BATCHING_WINDOW,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: MAX_BATCH_RETRIES,
      onFailure: { bind: () => ({ destination: this.deadLetters.queueArn }) },
    });
    // Lambda validates the role's permissions when the mapping is created.
    mapping.node.addDependency(projector.role);
  }
}
