import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { CUSTOM_RESOURCE } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { infrastructureHash } from './infrastructure-digest.ts';

/** What is checked, and by whom. */
export type EnforcementCanaryProps = {
  readonly canary: GatewayFunction;
  /** The endpoint, without a slash at its end. */
  readonly url: string;
};

/** How long the check may take before the deployment gives up; the function gives up before. */
const CHECK_TIMEOUT = Duration.minutes(5);

/** The check that follows each deployment that changes anything: a budget of $0 must be refused, or all rolls back. */
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
