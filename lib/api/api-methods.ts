import { Duration } from 'aws-cdk-lib';
import {
  type IAuthorizer,
  LambdaIntegration,
  MockIntegration,
  ResponseTransferMode,
  type RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { ROUTES } from '../../lambda/contract.ts';
import { ADMIN_RESOURCES, API_ROOT } from '../../lambda/http/api-resources.ts';
import type { GatewayFunction } from '../gateway-function.ts';

/** The functions behind the API. */
export type ApiFunctions = { readonly gateway: GatewayFunction; readonly admin: GatewayFunction };

/** Maximum duration of a streamed response; also the timeout of the gateway function. */
export const RESPONSE_TIMEOUT = Duration.minutes(5);

/** Adds the API's resources and methods, made from the route table. */
export function addMethods(api: RestApi, { gateway, admin }: ApiFunctions, authorizer: IAuthorizer): void {
  const defaultMethodOptions = { authorizer, apiKeyRequired: true };
  // Without allowTestInvoke, each method needs one permission for the stage, and none for the console's test button.
  const streaming = new LambdaIntegration(gateway.function, {
    responseTransferMode: ResponseTransferMode.STREAM,
    timeout: RESPONSE_TIMEOUT,
    allowTestInvoke: false,
  });
  api.root.resourceForPath(API_ROOT).addProxy({ defaultIntegration: streaming, defaultMethodOptions });
  // API Gateway prefers the most specific resource, so these requests never reach the function that sees prompts.
  const administration = new LambdaIntegration(admin.function, { allowTestInvoke: false });
  for (const { path, hasChildren } of ADMIN_RESOURCES) {
    const resource = api.root.resourceForPath(path);
    resource.addMethod('ANY', administration, defaultMethodOptions);
    if (hasChildren) resource.addProxy({ defaultIntegration: administration, defaultMethodOptions });
  }
  addHealthCheck(api);
}

/** Adds the health check as a fixed response of API Gateway: it needs no key and invokes no function, so it is free. */
function addHealthCheck(api: RestApi): void {
  const { method, path } = ROUTES.getHealth;
  const fixedResponse = new MockIntegration({
    requestTemplates: { 'application/json': '{"statusCode": 200}' },
    integrationResponses: [{ statusCode: '200', responseTemplates: { 'application/json': '{"status":"ok"}' } }],
  });
  api.root
    .resourceForPath(path)
    .addMethod(method, fixedResponse, { methodResponses: [{ statusCode: '200' }], apiKeyRequired: false });
}
