import { type CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';

/**
 * Returns the physical id of a stack's resource, found by its type and the start of its logical id.
 *
 * @throws Error if the stack has no such resource.
 */
export async function findPhysicalId(
  client: CloudFormationClient,
  stackName: string,
  type: string,
  logicalIdStart: string,
): Promise<string> {
  for await (const page of paginateListStackResources({ client }, { StackName: stackName })) {
    const found = page.StackResourceSummaries?.find(
      ({ ResourceType, LogicalResourceId }) => ResourceType === type && LogicalResourceId?.startsWith(logicalIdStart),
    );
    if (found?.PhysicalResourceId !== undefined) return found.PhysicalResourceId;
  }
  throw new Error(`the stack ${stackName} has no ${type} whose logical id starts with ${logicalIdStart}`);
}
