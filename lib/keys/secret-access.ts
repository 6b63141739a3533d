import { ArnFormat, Stack, Token, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { GatewayFunction } from '../gateway-function.ts';

/** The ARN of the secret of a name, or of all secrets of a name with a star in it. */
export function secretArn(stack: Stack, name: string): string {
  return stack.formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: withArnSuffix(name),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** Lets a function do these things with such secrets; `reason` is why its right is to a pattern. */
export function grantSecretAccess(
  user: GatewayFunction,
  name: string,
  actions: readonly string[],
  reason: string,
): void {
  const stack = Stack.of(user);
  user.role.addToPolicy(
    new PolicyStatement({
      actions: actions.map((action) => `secretsmanager:${action}`),
      resources: [secretArn(stack, name)],
    }),
  );
  const place = (value: string, of: string) => (Token.isUnresolved(value) ? `<AWS::${of}>` : value);
  Validations.of(user).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:${place(stack.region, 'Region')}:${place(stack.account, 'AccountId')}:secret:${withArnSuffix(name)}]`,
    reason,
  });
}

/** Secrets Manager's suffix has six characters; a star would match secrets of a team `x-<environment>-gateway` elsewhere. */
function withArnSuffix(name: string): string {
  return `${name}-??????`;
}
