import { ArnFormat, Stack, Token, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ENV } from '../lambda/contract.ts';
import type { DeploymentSettings } from '../lambda/core/deployment-settings.ts';
import type { GatewayFunction } from './gateway-function.ts';

/** Lets a function read the one secret that has a webhook's address, and tells it which that is. */
export function letReadWebhook(
  { role, function: teller }: GatewayFunction,
  { kind, secretName }: NonNullable<DeploymentSettings['webhook']>,
): void {
  teller.addEnvironment(ENV.webhookKind, kind);
  teller.addEnvironment(ENV.webhookSecret, secretName);
  const stack = Stack.of(role);
  // Six characters are Secrets Manager's suffix, as in the gateway's rights.
  const resourceName = `${secretName}-??????`;
  const secretArn = stack.formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  role.addToPolicy(new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secretArn] }));
  const region = Token.isUnresolved(stack.region) ? '<AWS::Region>' : stack.region;
  const account = Token.isUnresolved(stack.account) ? '<AWS::AccountId>' : stack.account;
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:${region}:${account}:secret:${resourceName}]`,
    reason: 'Secrets Manager adds a suffix to the ARN of the one secret that is meant.',
  });
}
