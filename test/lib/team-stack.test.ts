import { createHash } from 'node:crypto';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, it } from 'vitest';
import { usagePlanKeyValue } from '../../lambda/contract.ts';
import { buildStack } from '../support/stack/stack.ts';

let team: Template;
beforeAll(() => {
  team = Template.fromStack(buildStack().node.findChild('Team-chatbot') as Stack);
});

describe("a team's stack", () => {
  it('has a usage plan with twice the limits of the policy, and the plan key that the authorizer returns', () => {
    team.hasResourceProperties('AWS::ApiGateway::UsagePlan', {
      Throttle: { RateLimit: 10, BurstLimit: 120 },
      Quota: { Limit: 1_000, Period: 'DAY' },
    });
    team.hasResourceProperties('AWS::ApiGateway::ApiKey', {
      Value: usagePlanKeyValue('test', 'chatbot', (text) => createHash('sha256').update(text).digest('hex')),
    });
  });

  it('revokes the keys when the team is removed', () => {
    team.hasResource('Custom::TeamKeys', { DeletionPolicy: 'Delete', Properties: { Team: 'chatbot' } });
  });
});
