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

/** Props of a team's stack. */
export type TeamStackProps = {
  readonly environmentName: string;
  readonly policy: TeamPolicy;
  readonly settings: DeploymentSettings;
  readonly api: RestApi;
  readonly stage: Stage;
  /** Revokes the team's keys when the team goes. */
  readonly publisher: GatewayFunction;
  /** Required if the policy has `rotateKeyEveryDays`. */
  readonly rotation: TeamKeyRotation | undefined;
  /** Percentages of the budget with an alarm each; empty for none. */
  readonly alarmPercents: readonly number[];
  /** Topic that the alarms notify. */
  readonly operatorsTopic: ITopic;
};

/** Limit of revoking a removed team's keys; the deployment fails after it. */
const REVOCATION_TIMEOUT = Duration.minutes(5);

/**
 * One team: its usage plan, its secrets, its alarms, and the revocation of its keys when it is removed. A nested stack, so
 * that hundreds of teams fit under CloudFormation's limit of 500 resources a stack.
 */
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
    // Created empty, because a key must not appear in a template. The name is fixed because people type it.
    const secret = new CfnSecret(this, 'GroqKey', {
      name: groqSecretName(policy.team, environmentName),
      description: `Groq key of team ${policy.team}: npx groq-rbac groq-key set --team ${policy.team}`,
      ...(settings.secretsKmsKeyArn === undefined ? {} : { kmsKeyId: settings.secretsKmsKeyArn }),
    });
    secret.applyRemovalPolicy(RemovalPolicy.DESTROY);
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'A schedule needs an initial value, and a key must not appear in a template: groq-key-rotation starts rotations by the policy.',
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
      // Deleted before the keys are revoked, so that no rotation creates another key afterwards.
      schedule.node.addDependency(keys);
      this.node.addDependency(props.rotation.permission);
    }
  }

  /** The secret that the team's services read, and its schedule. The first rotation runs at once and stores the first key. */
  #serviceKey(environmentName: string, team: string, everyDays: number, { rotation }: TeamKeyRotation) {
    const secret = new CfnSecret(this, 'ServiceKey', {
      name: serviceSecretName(team, environmentName),
      description: `Key that services of team ${team} read: {"apiKey": "grk_...", "keyId", "name", "createdAt"}`,
      // A rotation requires a current version. This placeholder is replaced within seconds.
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
