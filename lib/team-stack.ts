import { CustomResource, Duration, NestedStack, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { RestApi, Stage } from 'aws-cdk-lib/aws-apigateway';
import { CfnRotationSchedule, CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { CUSTOM_RESOURCE, groqSecretName, serviceSecretName } from '../lambda/contract.ts';
import type { DeploymentSettings } from '../lambda/policy/deployment-settings.ts';
import type { TeamPolicy } from '../lambda/policy/environment.ts';
import { GatewayUsagePlan } from './api/gateway-usage-plan.ts';
import type { GatewayFunction } from './gateway-function.ts';
import type { TeamKeyRotation } from './keys/team-key-rotation.ts';
import { BudgetAlarms } from './monitoring/budget-alarms.ts';
import { TeamAlerts } from './monitoring/team-alerts.ts';

/** What a team's stack is made of. */
export type TeamStackProps = {
  readonly environmentName: string;
  readonly policy: TeamPolicy;
  readonly settings: DeploymentSettings;
  readonly api: RestApi;
  readonly stage: Stage;
  /** Revokes the team's keys when the team goes. */
  readonly publisher: GatewayFunction;
  /** Needed where the policy has `rotateKeyEveryDays`. */
  readonly rotation: TeamKeyRotation | undefined;
  /** Shares of the budget to have alarms at; empty for none. */
  readonly alarmPercents: readonly number[];
  /** Who is told by alarms. */
  readonly operatorsTopic: ITopic;
};

/** How long revoking a team's keys may take before the deployment gives up. */
const REVOCATION_TIMEOUT = Duration.minutes(5);

/** One team: its usage plan, its Groq secret, and its keys' end. A stack of its own, so that hundreds of teams fit. */
export class TeamStack extends NestedStack {
  constructor(scope: Construct, id: string, props: TeamStackProps) {
    const { environmentName, policy, settings, api, stage, publisher } = props;
    super(scope, id, { description: `Team ${policy.team} of the Groq gateway ${environmentName}` });
    new GatewayUsagePlan(this, 'UsagePlan', {
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
      description: `Groq key of team ${policy.team}: npx groq-rbac groq-key set --team ${policy.team}`,
      ...(settings.secretsKmsKeyArn === undefined ? {} : { kmsKeyId: settings.secretsKmsKeyArn }),
    });
    secret.applyRemovalPolicy(RemovalPolicy.DESTROY);
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'A schedule wants a first value, and a template is no place for a key: the watch of groq-key-rotation begins rotations by the policy.',
    });
    const keys = new CustomResource(this, 'Keys', {
      serviceToken: publisher.function.functionArn,
      resourceType: CUSTOM_RESOURCE.teamKeys,
      serviceTimeout: REVOCATION_TIMEOUT,
      properties: { Team: policy.team },
    });
    const { alarmPercents: percents, operatorsTopic: topic } = props;
    new BudgetAlarms(this, 'Budget', { environmentName, holder: policy.team, percents, topic });
    if (policy.alertRecipients.length > 0) new TeamAlerts(this, 'Alerts', { environmentName, policy });
    if (props.rotation !== undefined && policy.rotateKeyEveryDays !== null) {
      const schedule = this.#serviceKey(environmentName, policy.team, policy.rotateKeyEveryDays, props.rotation);
      // When the team goes, nothing makes keys any more by the time they are revoked.
      schedule.node.addDependency(keys);
      this.node.addDependency(props.rotation.permission);
    }
  }

  /** The secret that the team's services read, and its schedule; the first key comes from the first rotation, at once. */
  #serviceKey(environmentName: string, team: string, everyDays: number, { rotation }: TeamKeyRotation) {
    const secret = new CfnSecret(this, 'ServiceKey', {
      name: serviceSecretName(team, environmentName),
      description: `Key that services of team ${team} read: {"apiKey": "grk_...", "keyId", "name", "createdAt"}`,
      // A rotation wants a current version; this one is no key, and gone within seconds.
      generateSecretString: {
        secretStringTemplate: '{"note":"the first rotation puts a key here"}',
        generateStringKey: 'placeholder',
      },
    });
    secret.applyRemovalPolicy(RemovalPolicy.DESTROY);
    return new CfnRotationSchedule(this, 'ServiceKeyRotation', {
      secretId: secret.ref,
      rotationLambdaArn: rotation.function.functionArn,
      rotationRules: { automaticallyAfterDays: everyDays },
      rotateImmediatelyOnUpdate: true,
    });
  }
}
