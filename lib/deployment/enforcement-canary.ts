import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { CUSTOM_RESOURCE } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { infrastructureHash } from './infrastructure-digest.ts';

/** Props of the canary. */
export type EnforcementCanaryProps = {
  readonly canary: GatewayFunction;
  /** Base URL of the endpoint, without a trailing slash. */
  readonly url: string;
};

/** Limit of the check; the function itself times out earlier. */
const CHECK_TIMEOUT = Duration.minutes(5);

/**
 * Check at the end of each deployment that changes anything: a call on a budget of $0 must be refused, or the deployment
 * fails and rolls back.
 */
export class EnforcementCanary extends Construct {
  constructor(scope: Construct, id: string, props: EnforcementCanaryProps) {
    super(scope, id);
    const check = new CustomResource(this, 'Check', {
      serviceToken: props.canary.function.functionArn,
      resourceType: CUSTOM_RESOURCE.canary,
      serviceTimeout: CHECK_TIMEOUT,
      properties: { Url: props.url, Deployment: infrastructureHash(Stack.of(this), [this]) },
    });
    check.node.addDependency(props.canary.role);
  }
}
