import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { WEEKLY_PREFIX } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTables } from '../gateway-table.ts';
import type { ReportsBucket } from './reports-bucket.ts';
import { grantReadSpending } from './spending-access.ts';

/** Props of {@link WeeklyReport}. */
export type WeeklyReportProps = GatewayTables & {
  readonly reporter: GatewayFunction;
  readonly reports: ReportsBucket;
};

/** Mondays, six hours after the end of the week, when all of its calls have settled. */
const REPORT_SCHEDULE = Schedule.cron({ weekDay: 'MON', hour: '6', minute: '0' });

/** Runs the weekly report. Its function reads all spending and writes to one folder of the bucket. */
export class WeeklyReport extends Construct {
  constructor(scope: Construct, id: string, { reporter, reports, ...tables }: WeeklyReportProps) {
    super(scope, id);
    grantReadSpending(reporter, tables);
    tables.registry.grantItems(reporter, ['GetItem'], ['GROQKEYS#CATALOG']);
    const reason = 'Each week has its own files in one folder that no other function writes.';
    reports.grantFolderAccess(reporter, ['PutObject', 'GetObject'], WEEKLY_PREFIX, reason);
    // Without this permission, S3 responds to a missing file with 403 instead of 404.
    reporter.role.addToPolicy(
      new PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [reports.bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': [`${WEEKLY_PREFIX}*`] } },
      }),
    );
    new Rule(this, 'Schedule', {
      description: 'Writes the report of the past week',
      schedule: REPORT_SCHEDULE,
      targets: [new LambdaFunction(reporter.function)],
    });
  }
}
