import {
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import type { DeployedResource, Deployment } from '../deployment.ts';
import { type Outcome, outcome } from './check.ts';

/** The only actions that cannot name a resource. */
const WITHOUT_RESOURCE = /^xray:Put/;

/** Checks that the functions' roles have only inline policies on named resources. */
export async function checkRoles({ resources }: Deployment): Promise<Outcome> {
  const client = new IAMClient({});
  // The role with which API Gateway writes logs belongs to the account, not to a function.
  const isFunctionRole = ({ type, logicalId }: DeployedResource) =>
    type === 'AWS::IAM::Role' && !logicalId.includes('CloudWatchRole');
  const roles = resources.filter(isFunctionRole).map(({ physicalId }) => physicalId);
  const faults: string[] = [];
  let statements = 0;
  for (const RoleName of roles) {
    const { AttachedPolicies } = await client.send(new ListAttachedRolePoliciesCommand({ RoleName }));
    faults.push(
      ...(AttachedPolicies ?? []).map(({ PolicyName }) => `${RoleName} has the managed policy ${PolicyName}`),
    );
    const { PolicyNames } = await client.send(new ListRolePoliciesCommand({ RoleName }));
    for (const PolicyName of PolicyNames ?? []) {
      const { PolicyDocument = '' } = await client.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      const document = JSON.parse(decodeURIComponent(PolicyDocument)) as {
        Statement: Statement | readonly Statement[];
      };
      for (const statement of [document.Statement].flat()) {
        statements++;
        faults.push(...findWideGrants(statement).map((fault) => `${RoleName}: ${fault}`));
      }
    }
  }
  if (faults.length > 0) return outcome(false, faults.join('; '));
  return outcome(
    roles.length > 0 && statements > 0,
    `${roles.length} roles, ${statements} statements, each on named resources`,
  );
}

type Statement = {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: unknown;
  readonly Resource?: string | readonly string[];
  readonly NotResource?: unknown;
};

/**
 * The wildcards that a resource may have: a log group's streams, one environment's secrets of either kind, a single secret by
 * its full name, and the folders of reports.
 */
const NARROW_PATTERNS = [
  /^arn:[\w-]+:logs:[\w-]+:\d+:log-group:[^*?]+:\*$/,
  /^arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:groq\/\*-[a-z0-9]+-gateway-\?{6}$/,
  /^arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:gateway\/\*-[a-z0-9]+-service-\?{6}$/,
  /^arn:[\w-]+:s3:::[a-z0-9.-]+\/(groq-keys|weekly)\/\*$/,
  /^arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:[^*?]+-\?{6}$/,
];

/** Finds grants of a policy statement that are wider than any function of the gateway needs. */
export function findWideGrants({
  Effect,
  Action = [],
  Resource = [],
  NotAction,
  NotResource,
}: Statement): readonly string[] {
  if (Effect !== 'Allow') return [];
  if (NotAction !== undefined || NotResource !== undefined)
    return ['it allows everything except some, with NotAction or NotResource'];
  const actions = [Action].flat();
  const withoutResource = actions.every((action) => WITHOUT_RESOURCE.test(action));
  const wide = [Resource].flat().filter((resource) => {
    const isPattern = /[*?]/.test(resource);
    return (
      isPattern && !(resource === '*' && withoutResource) && !NARROW_PATTERNS.some((narrow) => narrow.test(resource))
    );
  });
  return [
    ...actions.filter((action) => /[*?]/.test(action)).map((action) => `the action ${action}`),
    ...wide.map((resource) => `${actions.join(', ')} on ${resource}`),
  ];
}
