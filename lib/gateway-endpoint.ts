import type { Stack } from 'aws-cdk-lib';
import type { RestApi, Stage } from 'aws-cdk-lib/aws-apigateway';
import { ORGANIZATION } from '../lambda/contract.ts';
import { CANARY_TEAM } from '../lambda/policy/canary-team.ts';
import type { DeploymentSettings } from '../lambda/policy/deployment-settings.ts';
import { CustomDomain } from './api/custom-domain.ts';
import { GatewayApi } from './api/gateway-api.ts';
import { GatewayUsagePlan } from './api/gateway-usage-plan.ts';
import { WebAcl } from './api/web-acl.ts';
import type { GatewayFunctions } from './gateway-functions.ts';

/** Props of the endpoint. */
export type GatewayEndpointProps = {
  readonly environmentName: string;
  readonly settings: DeploymentSettings;
  readonly functions: GatewayFunctions;
  /** Pattern of the API's URL, with {api} and {stage} in it. @default API Gateway's own URL */
  readonly endpointPattern: string | undefined;
};

/** The API with its optional domain and web ACL, and the usage plans that belong to no team. */
export class GatewayEndpoint {
  readonly api: RestApi;
  readonly stage: Stage;
  /** URL of the stage, without a trailing slash. It works as soon as the stack is deployed. */
  readonly stageUrl: string;
  /** URL for clients: the custom domain if there is one. Its DNS record may be created after the deployment. */
  readonly clientUrl: string;

  constructor(scope: Stack, { environmentName, settings, functions, endpointPattern }: GatewayEndpointProps) {
    const { authorizer, gateway, admin } = functions;
    const { api } = new GatewayApi(scope, 'Api', { environmentName, settings, authorizer, gateway, admin });
    const stage = api.deploymentStage;
    if (settings.webAcl !== undefined) new WebAcl(scope, 'WebAcl', api, settings.webAcl);
    const domain =
      settings.customDomain === undefined ? undefined : new CustomDomain(scope, 'Domain', api, settings.customDomain);
    const pattern = endpointPattern ?? `https://{api}.execute-api.${scope.region}.${scope.urlSuffix}/{stage}`;
    for (const holder of [ORGANIZATION, CANARY_TEAM])
      new GatewayUsagePlan(scope, `Plan-${holder}`, { api, stage, environmentName, holder });
    this.api = api;
    this.stage = stage;
    this.stageUrl = pattern.replace('{api}', api.restApiId).replace('{stage}', stage.stageName);
    this.clientUrl = domain?.url ?? this.stageUrl;
  }
}
