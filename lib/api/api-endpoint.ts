import { EndpointType, type RestApiProps } from 'aws-cdk-lib/aws-apigateway';
import { InterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';

/** Returns the props of a regional endpoint, or of a private one that only the given VPC endpoints can reach. */
export function endpointProps(
  scope: Construct,
  { privateEndpoint }: DeploymentSettings,
): Pick<RestApiProps, 'endpointTypes' | 'endpointConfiguration' | 'policy'> {
  if (privateEndpoint === undefined) return { endpointTypes: [EndpointType.REGIONAL] };
  const vpcEndpoints = privateEndpoint.vpcEndpointIds.map((vpcEndpointId) =>
    InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(scope, vpcEndpointId, { vpcEndpointId, port: 443 }),
  );
  const allowedSources = { 'aws:SourceVpce': privateEndpoint.vpcEndpointIds };
  const statement = (effect: Effect, conditions: Record<string, unknown>) =>
    new PolicyStatement({
      effect,
      principals: [new AnyPrincipal()],
      actions: ['execute-api:Invoke'],
      resources: ['execute-api:/*'],
      conditions,
    });
  return {
    endpointConfiguration: { types: [EndpointType.PRIVATE], vpcEndpoints },
    policy: new PolicyDocument({
      statements: [
        statement(Effect.ALLOW, { StringEquals: allowedSources }),
        statement(Effect.DENY, { StringNotEquals: allowedSources }),
      ],
    }),
  };
}
