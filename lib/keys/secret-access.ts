import { ArnFormat, Stack, Token, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { GatewayFunction } from '../gateway-function.ts';

/** Returns the ARN of a secret by its name, or of several by a name with a `*`. */
export function secretArn(stack: Stack, name: string): string {
  return stack.formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: withArnSuffix(name),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** Grants a function actions on secrets; `reason` justifies the wildcard to cdk-nag. */
export function grantSecretAccess(
  grantee: GatewayFunction,
  name: string,
  actions: readonly string[],
  reason: string,
): void {
  const stack = Stack.of(grantee);
  grantee.role.addToPolicy(
    new PolicyStatement({
      actions: actions.map((action) => `secretsmanager:${action}`),
      resources: [secretArn(stack, name)],
    }),
  );
  const render = (value: string, pseudo: string) => (Token.isUnresolved(value) ? `<AWS::${pseudo}>` : value);
  Validations.of(grantee).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:${render(stack.region, 'Region')}:${render(stack.account, 'AccountId')}:secret:${withArnSuffix(name)}]`,
    reason,
  });
}

/** Appends Secrets Manager's suffix of six random characters. A `*` would also match longer names of other secrets. */
function withArnSuffix(name: string): string {
  return `${name}-??????`;
}
