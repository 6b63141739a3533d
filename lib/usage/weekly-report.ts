import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { WEEKLY_PREFIX } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTables } from '../gateway-table.ts';
import type { ReportsBucket } from './reports-bucket.ts';
import { grantReadSpending } from './spending-access.ts';

/** What reports, from what and to where. */
export type WeeklyReportProps = GatewayTables & {
  readonly reporter: GatewayFunction;
  readonly reports: ReportsBucket;
};

/** Mondays, when the week has been over for six hours: what was in flight at its end has long settled. */
const REPORT_SCHEDULE = Schedule.cron({ weekDay: 'MON', hour: '6', minute: '0' });

/** The report of each week: its function reads all spending, and writes in one folder of the bucket. */
export class WeeklyReport extends Construct {
  constructor(scope: Construct, id: string, { reporter, reports, ...tables }: WeeklyReportProps) {
    super(scope, id);
    grantReadSpending(reporter, tables);
    tables.registry.grantItems(reporter, ['GetItem'], ['GROQKEYS#CATALOG']);
    const reason = 'Each week has files of its own, in one folder, which no other function writes.';
    reports.grantFolderAccess(reporter, ['PutObject', 'GetObject'], WEEKLY_PREFIX, reason);
    // Without it, S3 does not say that a file is not there, but that it may not be told.
    reporter.role.addToPolicy(
      new PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [reports.bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': [`${WEEKLY_PREFIX}*`] } },
      }),
    );
    new Rule(this, 'Schedule', {
      description: 'Reports what the week before came to',
      schedule: REPORT_SCHEDULE,
      targets: [new LambdaFunction(reporter.function)],
    });
  }
}
