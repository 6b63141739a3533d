import type { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { GatewayFunction } from '../gateway-function.ts';
import { grantSecretAccess, secretArn } from './secret-access.ts';

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
  readonly #pattern: string;
  readonly #kmsKeyArn: string | undefined;

  constructor(stack: Stack, { pattern, kmsKeyArn }: TeamSecretsProps) {
    this.#stack = stack;
    this.#pattern = pattern;
    this.#kmsKeyArn = kmsKeyArn;
    this.arn = secretArn(stack, pattern);
  }

  /** Lets a function do these things with the secrets, and with their key what that takes. */
  grant(user: GatewayFunction, actions: readonly string[]): void {
    const reason =
      "Secrets are one a team, and Secrets Manager adds a suffix: the pattern matches this environment's only.";
    grantSecretAccess(user, this.#pattern, actions, reason);
    if (this.#kmsKeyArn === undefined) return;
    user.role.addToPolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt', ...(actions.includes('PutSecretValue') ? ['kms:GenerateDataKey'] : [])],
        resources: [this.#kmsKeyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `secretsmanager.${this.#stack.region}.${this.#stack.urlSuffix}` },
        },
      }),
    );
  }

  /** Lets Secrets Manager call a function for these secrets only. */
  grantRotation(scope: Construct, rotation: GatewayFunction): CfnPermission {
    const permission = new CfnPermission(scope, 'SecretsManager', {
      action: 'lambda:InvokeFunction',
      functionName: rotation.function.functionArn,
      principal: new ServicePrincipal('secretsmanager.amazonaws.com').service,
      sourceAccount: this.#stack.account,
      sourceArn: this.arn,
    });
    permission.node.addDependency(rotation.role);
    return permission;
  }
}
