import { Stack } from 'aws-cdk-lib';
import type { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { serviceSecretName } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { TeamSecrets } from './team-secrets.ts';

/** Props of the rotation of service keys. */
export type TeamKeyRotationProps = {
  readonly environmentName: string;
  readonly rotation: GatewayFunction;
  readonly registry: GatewayTable;
};

/** Grants of the one function that writes teams' service secrets. Secrets Manager invokes it by their schedules. */
export class TeamKeyRotation extends Construct {
  readonly rotation: GatewayFunction;
  /** A rotation schedule must depend on it: Secrets Manager tests the permission when it creates the schedule. */
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
