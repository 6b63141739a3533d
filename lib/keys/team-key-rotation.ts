import { Stack } from 'aws-cdk-lib';
import type { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { serviceSecretName } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { TeamSecrets } from './team-secrets.ts';

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
    const secrets = new TeamSecrets(Stack.of(this), { pattern: serviceSecretName('*', environmentName) });
    secrets.grant(rotation, ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage']);
    this.permission = secrets.grantRotation(this, rotation);
  }
}
