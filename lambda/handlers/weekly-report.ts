import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { BucketShelf } from '../adapters/bucket-shelf.ts';
import { OperatorsTopic } from '../adapters/operators-topic.ts';
import { spendingPorts } from '../adapters/spending-ports.ts';
import { WEEKLY_PREFIX } from '../contract.ts';
import { readSpending } from '../core/read-spending.ts';
import { readBucketVariables, readTopicVariable, readVariables } from './environment-variables.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';
import { createWeeklyReport } from './weekly-report-handler.ts';

const { bucket, region } = readBucketVariables(process.env);
const ports = spendingPorts(dynamoClient(), readVariables(process.env), systemClock);
const topic = new OperatorsTopic(new SNSClient({}), readTopicVariable(process.env));

/** The entry point of the function that reports each week. */
export const handler = createWeeklyReport({
  readSpending: async (week) => await readSpending(ports, [week]),
  shelf: new BucketShelf(new S3Client({}), bucket, region),
  tell: async (subject, lines) => await topic.tell(subject, lines),
  prefix: WEEKLY_PREFIX,
  nowEpochMs: systemClock.nowEpochMs,
  log: systemLog,
});
