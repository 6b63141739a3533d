import { ArnFormat, type Stack, Token, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { GatewayFunction } from './gateway-function.ts';

/** Secrets that teams have one each of. */
export type TeamSecretsProps = {
  /** How they are called, with a star for the team. */
  readonly pattern: string;
  /** The key of KMS that encrypts them. @default AWS's own for Secrets Manager, which needs no right */
  readonly kmsKeyArn?: string | undefined;
};

/** The secrets that every team has one of, whatever teams there are, and who may do what with them. */
export class TeamSecrets {
  /** Matches the secrets of this environment, and no others. */
  readonly arn: string;
  readonly #stack: Stack;
  readonly #names: string;
  readonly #kmsKeyArn: string | undefined;

  constructor(stack: Stack, { pattern, kmsKeyArn }: TeamSecretsProps) {
    this.#stack = stack;
    // Secrets Manager's suffix has six characters; a star would match secrets of a team `x-<environment>-gateway` elsewhere.
    this.#names = `${pattern}-??????`;
    this.#kmsKeyArn = kmsKeyArn;
    this.arn = stack.formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: this.#names,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  /** Lets a function do these things with the secrets, and with their key what that takes. */
  grant(user: GatewayFunction, actions: readonly string[]): void {
    user.role.addToPolicy(
      new PolicyStatement({
        actions: actions.map((action) => `secretsmanager:${action}`),
        resources: [this.arn],
      }),
    );
    const { region, account } = this.#stack;
    const place = (value: string, name: string) => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);
    Validations.of(user).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:${place(region, 'Region')}:${place(account, 'AccountId')}:secret:${this.#names}]`,
      reason: "Secrets are one a team, and Secrets Manager adds a suffix: the pattern matches this environment's only.",
    });
    if (this.#kmsKeyArn === undefined) return;
    user.role.addToPolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt', ...(actions.includes('PutSecretValue') ? ['kms:GenerateDataKey'] : [])],
        resources: [this.#kmsKeyArn],
        conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.${this.#stack.urlSuffix}` } },
      }),
    );
  }
}
