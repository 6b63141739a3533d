import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { buildStack } from '../support/stack/stack.ts';

/*
 * CloudFormation identifies a resource by its logical id. If the id changes, it creates a new resource and deletes or
 * abandons the old one. CDK derives logical ids from construct ids, so renaming a construct changes them. This test pins
 * the ids of all resources that hold state.
 */

/** The loss, by resource type, when a resource gets another logical id. */
const LOSSES: Readonly<Record<string, string>> = {
  'AWS::DynamoDB::Table': 'an empty table would take its place, without budgets, spending, keys or audit trail',
  'AWS::S3::Bucket': 'an empty bucket would take its place, without past reports',
  'AWS::ApiGateway::RestApi': 'a new API would take its place at another URL, and clients would get no answer',
  'AWS::ApiGateway::Stage': 'the deployment would fail: the new stage has the name of the old one',
  'AWS::ApiGateway::DomainName': 'the deployment would fail: the new custom domain has the name of the old one',
  'AWS::ApiGateway::ApiKey': 'the deployment would fail: the new plan key has the value of the old one',
  'AWS::ApiGateway::UsagePlan': 'the daily request counts would start again at zero',
  'AWS::ApiGateway::UsagePlanKey': 'the daily request counts would start again at zero',
  'AWS::SecretsManager::Secret': 'the stored key would be deleted with the old secret',
  'AWS::SecretsManager::RotationSchedule': 'the rotation would start over, and rotate the key at once',
  'AWS::KMS::Key': 'data encrypted under the old key could not be read any more',
  'AWS::SQS::Queue': 'the messages that wait in the old queue would be deleted',
  'AWS::SNS::Topic': 'each subscriber would have to confirm again, and get no alerts until then',
  'AWS::SNS::Subscription': 'the subscriber would have to confirm again, and get no alerts until then',
  'AWS::CloudFormation::Stack': "the team's stack would be deleted: its keys revoked and its secrets lost",
  'Custom::TeamKeys': "the old resource's deletion would revoke all keys of the team",
};

const STACK: Readonly<Record<string, string>> = {
  LedgerTable9343E4AA: 'AWS::DynamoDB::Table',
  RegistryTableDB777839: 'AWS::DynamoDB::Table',
  UsageTableADB4B05A: 'AWS::DynamoDB::Table',
  ReportsBucket95FE29A2: 'AWS::S3::Bucket',
  UsageProjectionDeadLettersECD33DBF: 'AWS::SQS::Queue',
  UndeliveredAlerts87845B63: 'AWS::SQS::Queue',
  ApiRest4DEC74FE: 'AWS::ApiGateway::RestApi',
  DomainName3089E799: 'AWS::ApiGateway::DomainName',
  PlanORGANIZATIONPlan421485A8: 'AWS::ApiGateway::UsagePlan',
  PlanORGANIZATIONKey22E3922A: 'AWS::ApiGateway::ApiKey',
  PlangroqrbaccanaryPlanBCAE6616: 'AWS::ApiGateway::UsagePlan',
  PlangroqrbaccanaryKeyB08992AB: 'AWS::ApiGateway::ApiKey',
  AlarmsTopic3A2DFEBA: 'AWS::SNS::Topic',
  AlarmsTopicoperatorexamplecom7DB7B785: 'AWS::SNS::Subscription',
  TeamchatbotNestedStackTeamchatbotNestedStackResource6E076410: 'AWS::CloudFormation::Stack',
};
const TEAM_STACK: Readonly<Record<string, string>> = {
  UsagePlan409616B7: 'AWS::ApiGateway::UsagePlan',
  UsagePlanKey02E76CED: 'AWS::ApiGateway::ApiKey',
  GroqKey: 'AWS::SecretsManager::Secret',
  Keys: 'Custom::TeamKeys',
  AlertsTopicCF7C81C9: 'AWS::SNS::Topic',
  AlertsTopicleadexamplecom0ABFC0D0: 'AWS::SNS::Subscription',
  ServiceKey: 'AWS::SecretsManager::Secret',
  ServiceKeyRotation: 'AWS::SecretsManager::RotationSchedule',
};
/** Ids that CDK derives from the environment's name: the stage, and the plan keys of organisation, canary and team. */
const BY_ENVIRONMENT: Readonly<Record<string, { stage: string; planKeys: readonly string[]; teamPlanKey: string }>> = {
  dev: {
    stage: 'ApiRestDeploymentStagedev0D112611',
    planKeys: [
      'PlanORGANIZATIONPlanUsagePlanKeyResourcedevPlanORGANIZATIONKey75A35CAD5737721D',
      'PlangroqrbaccanaryPlanUsagePlanKeyResourcedevPlangroqrbaccanaryKey7600069513AB552D',
    ],
    teamPlanKey: 'UsagePlanUsagePlanKeyResourcedevTeamchatbotUsagePlanKey49645F4035C65E86',
  },
  prod: {
    stage: 'ApiRestDeploymentStageprodE136C09A',
    planKeys: [
      'PlanORGANIZATIONPlanUsagePlanKeyResourceprodPlanORGANIZATIONKeyE09FC709D32E0C39',
      'PlangroqrbaccanaryPlanUsagePlanKeyResourceprodPlangroqrbaccanaryKeyBFF95E6C7CE6D7A6',
    ],
    teamPlanKey: 'UsagePlanUsagePlanKeyResourceprodTeamchatbotUsagePlanKeyB8BA4AD09CEE306E',
  },
  staging: {
    stage: 'ApiRestDeploymentStagestaging1BC7E49A',
    planKeys: [
      'PlanORGANIZATIONPlanUsagePlanKeyResourcestagingPlanORGANIZATIONKeyA45A0EC5E6AE69FB',
      'PlangroqrbaccanaryPlanUsagePlanKeyResourcestagingPlangroqrbaccanaryKey094D1BA91F93C1B6',
    ],
    teamPlanKey: 'UsagePlanUsagePlanKeyResourcestagingTeamchatbotUsagePlanKeyAC2FF43A6241527C',
  },
};

/** One team with every feature that adds a state-holding resource. */
const ENVIRONMENT: Partial<EnvironmentFile> = {
  deployment: {
    operators: ['operator@example.com'],
    customDomain: {
      name: 'groq.example.com',
      certificateArn: 'arn:aws:acm:us-east-1:111111111111:certificate/00000000-0000-0000-0000-000000000000',
      hostedZone: { id: 'Z0000000000000', name: 'example.com' },
    },
  },
  teams: {
    chatbot: {
      allowedModels: ['openai/gpt-oss-20b'],
      monthlyBudgetUsd: 10,
      rotateKeyEveryDays: 30,
      alertRecipients: ['lead@example.com'],
    },
  },
};

type Resource = { readonly Type: string; readonly Properties?: { readonly LogGroupName?: unknown } };

/** Types of a template's state-holding resources by logical id. A log group counts if it has a fixed name. */
function stateHolders(stack: Stack): Readonly<Record<string, string>> {
  const resources = Object.entries(Template.fromStack(stack).toJSON().Resources as Record<string, Resource>);
  const found = resources.filter(([, { Type, Properties }]) =>
    Type === 'AWS::Logs::LogGroup' ? Properties?.LogGroupName !== undefined : Type in LOSSES,
  );
  return Object.fromEntries(found.map(([id, { Type }]) => [id, Type]));
}

/** Sentences about ids that have changed: each pinned resource that is gone, with the loss, and each new one. */
function findChangedIds(
  pinned: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): readonly string[] {
  const gone = Object.entries(pinned).filter(([id, type]) => found[id] !== type);
  const added = Object.entries(found).filter(([id, type]) => pinned[id] !== type);
  return [
    ...gone.map(([id, type]) => `${type} has lost its logical id ${id}: at the next deployment, ${LOSSES[type]}`),
    ...added.map(([id, type]) => `${type} has the new logical id ${id}: if it is a new resource, pin the id here`),
  ];
}

it.each(Object.entries(BY_ENVIRONMENT))(
  'keeps the logical id of every state-holding resource of %s',
  (name, { stage, planKeys, teamPlanKey }) => {
    const stack = buildStack(ENVIRONMENT, name);
    const planKey = (id: string) => [id, 'AWS::ApiGateway::UsagePlanKey'];
    const pinned = { ...STACK, [stage]: 'AWS::ApiGateway::Stage', ...Object.fromEntries(planKeys.map(planKey)) };
    expect(findChangedIds(pinned, stateHolders(stack))).toEqual([]);
    const team = stack.node.findChild('Team-chatbot') as Stack;
    expect(
      findChangedIds({ ...TEAM_STACK, ...Object.fromEntries([planKey(teamPlanKey)]) }, stateHolders(team)),
    ).toEqual([]);
  },
);

it('says what a changed id would lose', () => {
  expect(findChangedIds({ Ledger1: 'AWS::DynamoDB::Table' }, { Book2: 'AWS::DynamoDB::Table' })).toEqual([
    'AWS::DynamoDB::Table has lost its logical id Ledger1: at the next deployment, an empty table would take its place, without budgets, spending, keys or audit trail',
    'AWS::DynamoDB::Table has the new logical id Book2: if it is a new resource, pin the id here',
  ]);
});
