import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { ENV } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';

/** Props of {@link ReportsBucket}. */
export type ReportsBucketProps = {
  /** Keeps the bucket when its stack is deleted. @default true */
  readonly retain?: boolean;
};

/** Retention of reports, which is the retention of usage. */
const REPORT_RETENTION = Duration.days(400);
/** Retention of overwritten versions, for comparison and recovery. */
const NONCURRENT_VERSION_RETENTION = Duration.days(30);
/** Retention of incomplete uploads, which are billed like objects. */
const INCOMPLETE_UPLOAD_RETENTION = Duration.days(1);

/** A private bucket of reports: encrypted, TLS only, with expiring objects. */
export class ReportsBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: ReportsBucketProps = {}) {
    super(scope, id);
    const retain = props.retain ?? true;
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      // Versions keep a report that was overwritten. A bucket that is deleted with its stack has none, so that one command
      // empties it: CloudFormation deletes empty buckets only.
      versioned: retain,
      lifecycleRules: [
        {
          expiration: REPORT_RETENTION,
          ...(retain ? { noncurrentVersionExpiration: NONCURRENT_VERSION_RETENTION } : {}),
          abortIncompleteMultipartUploadAfter: INCOMPLETE_UPLOAD_RETENTION,
        },
      ],
      removalPolicy: retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Access logs would need a second bucket, which has no logs either; CloudTrail data events record who read a report.',
    });
  }

  /** Grants S3 actions on one folder and sets the bucket's environment variable. `reason` justifies the wildcard to cdk-nag. */
  grantFolderAccess(user: GatewayFunction, actions: readonly string[], folder: string, reason: string): void {
    user.role.addToPolicy(
      new PolicyStatement({
        actions: actions.map((action) => `s3:${action}`),
        resources: [this.bucket.arnForObjects(`${folder}*`)],
      }),
    );
    const logicalId = Stack.of(this).getLogicalId(this.bucket.node.defaultChild as CfnBucket);
    Validations.of(user).acknowledge({ id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/${folder}*]`, reason });
    user.function.addEnvironment(ENV.reportsBucket, this.bucket.bucketName);
  }
}
