import { ArnFormat, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { ENV, groqSecretName } from '../lambda/contract.ts';
import { GatewayFunction } from './gateway-function.ts';
import { GatewayTable } from './gateway-table.ts';

/** What a stack is told. */
export type GatewayStackProps = StackProps & { readonly environmentName: string };

/** One environment: the ledger, the registry, and the two functions with the few rights they need. */
export class GatewayStack extends Stack {
  constructor(scope: Construct, id: string, props: GatewayStackProps) {
    super(scope, id, { ...props, terminationProtection: props.environmentName === 'prod' });
    const { environmentName } = props;
    const { table: ledger } = new GatewayTable(this, 'Ledger', { stream: true, expires: true });
    const { table: registry } = new GatewayTable(this, 'Registry');
    const environment = {
      [ENV.environmentName]: environmentName,
      [ENV.ledgerTable]: ledger.tableName,
      [ENV.registryTable]: registry.tableName,
    };

    const { function: authorizer } = new GatewayFunction(this, 'Authorizer', {
      handler: 'authorizer',
      timeout: Duration.seconds(10),
      environment,
    });
    registry.grant(authorizer, 'dynamodb:GetItem');

    const gatewayFunction = new GatewayFunction(this, 'Gateway', {
      handler: 'gateway',
      timeout: Duration.minutes(5),
      environment,
    });
    const { function: gateway } = gatewayFunction;
    ledger.grant(gateway, 'dynamodb:GetItem', 'dynamodb:UpdateItem');
    registry.grant(gateway, 'dynamodb:Query');
    const secretNames = `${groqSecretName('*', environmentName)}-*`;
    const secretArn = this.formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: secretNames,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    gateway.addToRolePolicy(
      new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secretArn] }),
    );
    Validations.of(gatewayFunction).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${secretNames}]`,
      reason:
        'Groq secrets are one a team, and Secrets Manager adds a suffix to each ARN: the pattern matches this environment’s only.',
    });
  }
}
