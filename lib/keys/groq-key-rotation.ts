import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { GROQ_KEY_EVENT } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { grantPutEvents } from '../monitoring/event-bus.ts';
import type { ReportsBucket } from '../usage/reports-bucket.ts';
import type { TeamSecrets } from './team-secrets.ts';

/** What rotates, and what it writes and reads. */
export type GroqKeyRotationProps = {
  readonly rotation: GatewayFunction;
  /** The teams' Groq secrets. */
  readonly secrets: TeamSecrets;
  readonly registry: GatewayTable;
  readonly usage: GatewayTable;
  readonly reports: ReportsBucket;
};

/** How often current keys are looked at: a key that Groq refuses must not wait for a person. */
const WATCH_INTERVAL = Duration.minutes(5);
/** How often replaced keys are looked at: none is retired before a day without a call. */
const RETIREMENT_INTERVAL = Duration.days(1);

/** The one function that writes teams' Groq secrets: Secrets Manager calls it step by step, and schedules by their jobs. */
export class GroqKeyRotation extends Construct {
  constructor(scope: Construct, id: string, props: GroqKeyRotationProps) {
    super(scope, id);
    const { rotation, secrets, registry, usage, reports } = props;
    registry.grantItems(rotation, ['GetItem', 'Query'], ['POLICIES*']);
    registry.grantItems(rotation, ['GetItem', 'Query', 'PutItem', 'UpdateItem'], ['GROQKEYS#*']);
    registry.grantItems(rotation, ['PutItem'], ['AUDIT#*']);
    usage.grantItems(rotation, ['Query'], ['TEAM#*']);
    secrets.grant(rotation, [
      'DescribeSecret',
      'GetSecretValue',
      'PutSecretValue',
      'UpdateSecretVersionStage',
      'RotateSecret',
    ]);
    grantPutEvents(rotation, GROQ_KEY_EVENT);
    const reason = 'Reports are named after the rotations that they tell of, in a folder of their own.';
    reports.grantFolderAccess(rotation, ['PutObject'], 'groq-keys/', reason);
    secrets.grantRotation(this, rotation);
    this.#grantStartRotation(rotation);
    this.#schedule(rotation, 'Watch', 'watch', WATCH_INTERVAL, "Looks after teams' current Groq keys");
    this.#schedule(rotation, 'Retire', 'retire', RETIREMENT_INTERVAL, 'Retires replaced Groq keys that nobody uses');
  }

  /** Who starts a rotation must be allowed to call the function, too. */
  #grantStartRotation({ role, function: { functionArn } }: GatewayFunction): void {
    // A policy of its own: the role's must be there before the function is, and this one names the function.
    new Policy(this, 'StartRotation', {
      roles: [role],
      statements: [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] })],
    });
  }

  #schedule(rotation: GatewayFunction, id: string, job: string, every: Duration, description: string): void {
    const target = new LambdaFunction(rotation.function, { event: RuleTargetInput.fromObject({ job }) });
    new Rule(this, id, { description, schedule: Schedule.rate(every), targets: [target] });
  }
}
