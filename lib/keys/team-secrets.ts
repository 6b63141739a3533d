import type { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { GatewayFunction } from '../gateway-function.ts';
import { grantSecretAccess, secretArn } from './secret-access.ts';

/** Props of teams' secrets. */
export type TeamSecretsProps = {
  /** The secrets' name with a `*` for the team. */
  readonly pattern: string;
  /** The KMS key that encrypts them. @default the AWS managed key for Secrets Manager, which needs no grant */
  readonly kmsKeyArn?: string | undefined;
};

/** The secrets of one kind, one per team, with the grants on them. */
export class TeamSecrets {
  /** A pattern that matches this environment's secrets only. */
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

  /** Grants a function actions on the secrets, and those on their KMS key that these need. */
  grant(grantee: GatewayFunction, actions: readonly string[]): void {
    const reason =
      "There is one secret per team and Secrets Manager adds a suffix: the pattern matches this environment's only.";
    grantSecretAccess(grantee, this.#pattern, actions, reason);
    if (this.#kmsKeyArn === undefined) return;
    grantee.role.addToPolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt', ...(actions.includes('PutSecretValue') ? ['kms:GenerateDataKey'] : [])],
        resources: [this.#kmsKeyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `secretsmanager.${this.#stack.region}.${this.#stack.urlSuffix}` },
        },
      }),
    );
  }

  /** Lets Secrets Manager invoke a function for these secrets only. */
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
