import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';

/** The physical id of the first resource of a type whose logical id begins so; a page lists a hundred. */
export async function findResource(stackName: string, type: string, logicalIdStart: string): Promise<string> {
  for await (const page of paginateListStackResources(
    { client: new CloudFormationClient({}) },
    { StackName: stackName },
  )) {
    const found = page.StackResourceSummaries?.find(
      ({ ResourceType, LogicalResourceId }) => ResourceType === type && LogicalResourceId?.startsWith(logicalIdStart),
    )?.PhysicalResourceId;
    if (found !== undefined) return found;
  }
  throw new Error(`${stackName} has no ${type} ${logicalIdStart}…`);
}
