import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { ENV } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';

/** What may differ between buckets of reports. */
export type ReportsBucketProps = {
  /** Whether the bucket outlives its stack. @default true */
  readonly retain?: boolean;
};

/** How long reports are kept: as long as the usage that they are made from. */
const REPORT_RETENTION = Duration.days(400);
/** How long what was overwritten is kept: until somebody has noticed. */
const NONCURRENT_VERSION_RETENTION = Duration.days(30);
/** Uploads that nobody ends are billed like objects. */
const INCOMPLETE_UPLOAD_RETENTION = Duration.days(1);

/** A private bucket of reports: encrypted, reached by TLS only, and rid of what is old by itself. */
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
      // A report that is made again takes the place of the first, which can then still be compared. A bucket that may be
      // lost has no versions, so that one command empties it: CloudFormation deletes no bucket that holds anything.
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
        'Access logs would need a second bucket that has none either; CloudTrail data events tell who read a report.',
    });
  }

  /** Lets a function do these things with what is in one folder, and tells it the bucket; `reason` is why that is a pattern. */
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
