import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';

/** The physical name of a deployed resource by its type and how its logical id starts; a stack has pages of them. */
export async function findPhysicalId(stackName: string, type: string, logicalIdStart: string): Promise<string> {
  for await (const page of paginateListStackResources(
    { client: new CloudFormationClient({}) },
    { StackName: stackName },
  )) {
    const found = page.StackResourceSummaries?.find(
      ({ ResourceType, LogicalResourceId }) => ResourceType === type && LogicalResourceId?.startsWith(logicalIdStart),
    );
    if (found?.PhysicalResourceId !== undefined) return found.PhysicalResourceId;
  }
  throw new Error(`the stack has no ${type} ${logicalIdStart}`);
}
