import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { WEEKLY_PREFIX } from '../contract.ts';
import { dynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { BucketShelf } from '../reporting/io/bucket-shelf.ts';
import { createWeeklyReport } from '../reporting/io/weekly-report-handler.ts';
import { readSpending } from '../reporting/read-spending.ts';
import { OperatorsTopic } from '../telemetry/io/operators-topic.ts';
import { readBucketVariables, readTopicVariable, readVariables } from './environment-variables.ts';
import { spendingPorts } from './spending-ports.ts';

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
