import {
  CloudFormationClient,
  paginateListStackResources,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';

/** Every resource of a deployed stack: CloudFormation tells a hundred at a time. */
export async function resourcesOfStack(StackName: string): Promise<readonly StackResourceSummary[]> {
  const resources: StackResourceSummary[] = [];
  for await (const page of paginateListStackResources({ client: new CloudFormationClient({}) }, { StackName }))
    resources.push(...(page.StackResourceSummaries ?? []));
  return resources;
}
