import { CustomResource, Duration, NestedStack, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { RestApi, Stage } from 'aws-cdk-lib/aws-apigateway';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { CUSTOM_RESOURCE, groqSecretName } from '../lambda/contract.ts';
import type { TeamPolicy } from '../lambda/core/environment.ts';
import type { GatewayFunction } from './gateway-function.ts';
import { UsagePlanHandle } from './usage-plan-handle.ts';

/** What a team's stack is made of. */
export type TeamStackProps = {
  readonly environmentName: string;
  readonly policy: TeamPolicy;
  readonly api: RestApi;
  readonly stage: Stage;
  /** Revokes the team's keys when the team goes. */
  readonly publisher: GatewayFunction;
};

/** How long revoking a team's keys may take before the deployment gives up. */
const REVOKE_WITHIN = Duration.minutes(5);

/** One team: its usage plan, its Groq secret, and its keys' end. A stack of its own, so that hundreds of teams fit. */
export class TeamStack extends NestedStack {
  constructor(scope: Construct, id: string, props: TeamStackProps) {
    const { environmentName, policy, api, stage, publisher } = props;
    super(scope, id, { description: `Team ${policy.team} of the Groq gateway ${environmentName}` });
    new UsagePlanHandle(this, 'UsagePlan', {
      api,
      stage,
      environmentName,
      holder: policy.team,
      requestsPerMinute: policy.rateLimitRpm,
      requestsPerDay: policy.requestsPerDay,
    });
    // Empty at first: a template is no place for a key. `groq/<team>-<environment>-gateway` is typed by people.
    const secret = new CfnSecret(this, 'GroqKey', {
      name: groqSecretName(policy.team, environmentName),
      description: `Groq key of team ${policy.team}: {"apiKey": "gsk_..."}`,
    });
    secret.applyRemovalPolicy(RemovalPolicy.DESTROY);
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Groq has no API to make keys by, so a key is staged by an operator and rotated then, not by the calendar alone.',
    });
    new CustomResource(this, 'Keys', {
      serviceToken: publisher.function.functionArn,
      resourceType: CUSTOM_RESOURCE.teamKeys,
      serviceTimeout: REVOKE_WITHIN,
      properties: { Team: policy.team },
    });
  }
}
