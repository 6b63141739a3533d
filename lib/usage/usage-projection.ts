import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { DeadLetterQueue } from '../monitoring/dead-letter-queue.ts';

/** From where to where. */
export type UsageProjectionProps = {
  readonly projector: GatewayFunction;
  /** With a stream. */
  readonly ledger: GatewayTable;
};

/** How many records of the stream come at once at most, and how long Lambda gathers them: each batch is a transaction or two. */
const BATCH_SIZE = 100;
const BATCHING_WINDOW = Duration.seconds(1);
/** How often a batch is tried, which gets smaller each time: some minutes of a table that fails, or a record that does. */
const MAX_BATCH_RETRIES = 50;

/** Feeds the ledger's stream to the projector; what it cannot count at last leaves a message in `deadLetters`. */
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
      // From the oldest record on: a call that was made while the stack was being built counts too.
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: BATCH_SIZE,
      maxBatchingWindow: BATCHING_WINDOW,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: MAX_BATCH_RETRIES,
      onFailure: { bind: () => ({ destination: this.deadLetters.queueArn }) },
    });
    // Lambda looks at the role when the mapping is made.
    mapping.node.addDependency(projector.role);
  }
}
