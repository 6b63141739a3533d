import { ArnFormat, Stack, Token, Validations } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { serviceSecretName } from '../lambda/contract.ts';
import type { GatewayFunction } from './gateway-function.ts';
import type { GatewayTable } from './gateway-table.ts';

/** What rotates, and where keys are. */
export type TeamKeyRotationProps = {
  readonly environmentName: string;
  readonly rotation: GatewayFunction;
  readonly registry: GatewayTable;
};

/** The one function that writes the secrets of teams' services, which Secrets Manager calls by their schedules. */
export class TeamKeyRotation extends Construct {
  readonly rotation: GatewayFunction;
  /** What a schedule needs before it can be made. */
  readonly permission: CfnPermission;

  constructor(scope: Construct, id: string, { environmentName, rotation, registry }: TeamKeyRotationProps) {
    super(scope, id);
    this.rotation = rotation;
    registry.grantItems(rotation, ['GetItem', 'PutItem', 'UpdateItem'], ['KEY#*']);
    registry.grantItems(rotation, ['PutItem'], ['TEAM#*', 'AUDIT#*']);
    const stack = Stack.of(this);
    // Six characters are Secrets Manager's suffix, as in the gateway's rights.
    const names = `${serviceSecretName('*', environmentName)}-??????`;
    const secretArn = stack.formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: names,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    rotation.role.addToPolicy(
      new PolicyStatement({
        actions: ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'].map(
          (action) => `secretsmanager:${action}`,
        ),
        resources: [secretArn],
      }),
    );
    const region = Token.isUnresolved(stack.region) ? '<AWS::Region>' : stack.region;
    const account = Token.isUnresolved(stack.account) ? '<AWS::AccountId>' : stack.account;
    Validations.of(rotation).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:${region}:${account}:secret:${names}]`,
      reason: "Secrets are one a team, and Secrets Manager adds a suffix: the pattern matches this environment's only.",
    });
    this.permission = new CfnPermission(this, 'SecretsManager', {
      action: 'lambda:InvokeFunction',
      functionName: rotation.function.functionArn,
      principal: new ServicePrincipal('secretsmanager.amazonaws.com').service,
      sourceAccount: stack.account,
      sourceArn: secretArn,
    });
    this.permission.node.addDependency(rotation.role);
  }
}
