import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { ReportsBucket } from '../../../lib/usage/reports-bucket.ts';

function templateWith(props: { readonly retain?: boolean } = {}): Template {
  const stack = new Stack(new App(), 'test');
  new ReportsBucket(stack, 'Reports', props);
  return Template.fromStack(stack);
}

it('is private, encrypted, retained and versioned, and expires reports with their usage', () => {
  const template = templateWith();
  template.hasResource('AWS::S3::Bucket', {
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BucketName: Match.absent(),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: [
          {
            Status: 'Enabled',
            ExpirationInDays: 400,
            NoncurrentVersionExpiration: { NoncurrentDays: 30 },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
        ],
      },
    },
  });
});

it('accepts TLS only', () => {
  const [policy] = Object.values(templateWith().findResources('AWS::S3::BucketPolicy'));
  expect(policy?.Properties.PolicyDocument.Statement).toEqual([
    expect.objectContaining({
      Effect: 'Deny',
      Action: 's3:*',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    }),
    expect.objectContaining({ Effect: 'Deny', Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
  ]);
});

it('is deleted with its stack only on request, and then has no versions', () => {
  templateWith({ retain: false }).hasResource('AWS::S3::Bucket', {
    DeletionPolicy: 'Delete',
    Properties: { VersioningConfiguration: Match.absent() },
  });
});
