import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { WEEKLY_PREFIX } from '../contract.ts';
import { DynamoReportedDifferences } from '../groq-keys/io/reported-differences.ts';
import { createDynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { S3ReportStore } from '../reporting/io/s3-report-store.ts';
import { createWeeklyReportHandler } from '../reporting/io/weekly-report-handler.ts';
import { readSpending } from '../reporting/read-spending.ts';
import { OperatorsTopic } from '../telemetry/io/operators-topic.ts';
import { readBucketVariables, readTopicVariable, readVariables } from './environment-variables.ts';
import { createSpendingPorts } from './spending-ports.ts';

const variables = readVariables(process.env);
const dynamo = createDynamoClient();
const { bucket, region } = readBucketVariables(process.env);
const ports = createSpendingPorts(dynamo, variables, systemClock);
const reported = new DynamoReportedDifferences(dynamo, variables.registryTable);
const topic = new OperatorsTopic(new SNSClient({}), readTopicVariable(process.env));

/** Entry point of the function that writes the weekly report. */
export const handler = createWeeklyReportHandler({
  readSpending: async (week) => await readSpending(ports, [week]),
  readCatalogDifferences: async () => await reported.read(),
  store: new S3ReportStore(new S3Client({}), bucket, region),
  notify: async (subject, lines) => await topic.notify(subject, lines),
  prefix: WEEKLY_PREFIX,
  nowEpochMs: systemClock.nowEpochMs,
  log: systemLog,
});
