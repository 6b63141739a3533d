import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { findPhysicalId } from '../../../local/aws/stack-resources.ts';
import { requireDeployed } from '../gateway/target.ts';

/** Returns the physical id of a resource of the deployment under test. */
export async function findDeployedResource(type: string, logicalIdStart: string): Promise<string> {
  return await findPhysicalId(new CloudFormationClient({}), requireDeployed().stackName, type, logicalIdStart);
}
