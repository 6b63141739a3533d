import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { CATALOG_EVENT, GROQ_KEY_EVENT } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { grantPutEvents } from '../monitoring/event-bus.ts';
import type { ReportsBucket } from '../usage/reports-bucket.ts';
import type { TeamSecrets } from './team-secrets.ts';

/** Props of the rotation of Groq keys. */
export type GroqKeyRotationProps = {
  readonly rotation: GatewayFunction;
  /** The teams' Groq secrets. */
  readonly secrets: TeamSecrets;
  readonly registry: GatewayTable;
  readonly usage: GatewayTable;
  readonly reports: ReportsBucket;
};

/** The interval of the watch over current keys: a refused key is replaced without waiting for a person. */
const WATCH_INTERVAL = Duration.minutes(5);
/** The interval of the retirement of replaced keys: each must be unused for a day first. */
const RETIREMENT_INTERVAL = Duration.days(1);
/** The interval of the comparison of the catalog: twice within the day that its alarm evaluates. */
const CATALOG_INTERVAL = Duration.hours(12);

/** Grants and schedules of the one function that writes teams' Groq secrets. Secrets Manager and three schedules invoke it. */
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
    grantPutEvents(rotation, CATALOG_EVENT);
    const reason = 'Each report has the name of its rotation, in a folder of its own.';
    reports.grantFolderAccess(rotation, ['PutObject'], 'groq-keys/', reason);
    secrets.grantRotation(this, rotation);
    this.#grantStartRotation(rotation);
    this.#schedule(rotation, 'Watch', 'watch', WATCH_INTERVAL, "Watches teams' current Groq keys");
    this.#schedule(rotation, 'Catalog', 'catalog', CATALOG_INTERVAL, "Compares the catalog with Groq's list of models");
    this.#schedule(rotation, 'Retire', 'retire', RETIREMENT_INTERVAL, 'Retires replaced Groq keys that are out of use');
  }

  /** Secrets Manager requires that a role that starts a rotation may invoke the rotation function. */
  #grantStartRotation({ role, function: { functionArn } }: GatewayFunction): void {
    // A separate policy avoids a cycle: the function depends on the role's own policy, and this one refers to the function.
    new Policy(this, 'StartRotation', {
      roles: [role],
      statements: [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] })],
    });
  }

  #schedule(rotation: GatewayFunction, id: string, job: string, interval: Duration, description: string): void {
    const target = new LambdaFunction(rotation.function, { event: RuleTargetInput.fromObject({ job }) });
    new Rule(this, id, { description, schedule: Schedule.rate(interval), targets: [target] });
  }
}
