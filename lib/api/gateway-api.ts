import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  AccessLogField,
  AccessLogFormat,
  ApiKeySourceType,
  EndpointType,
  IdentitySource,
  LambdaIntegration,
  LogGroupLogDestination,
  MockIntegration,
  RequestAuthorizer,
  ResponseTransferMode,
  RestApi,
  type RestApiProps,
} from 'aws-cdk-lib/aws-apigateway';
import { InterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { CACHE_MS } from '../../lambda/contract.ts';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { addGatewayResponses } from './gateway-responses.ts';

/** What the API is made of. */
export type GatewayApiProps = {
  readonly environmentName: string;
  readonly authorizer: GatewayFunction;
  readonly gateway: GatewayFunction;
  readonly admin: GatewayFunction;
  readonly settings: DeploymentSettings;
};

/** How long an answer may stream: as long as the gateway's function runs. */
export const RESPONSE_TIMEOUT = Duration.minutes(5);

/** What is kept of each request: who, what, how long; never a header of the client's, and nothing of a body. */
const ACCESS_LOG_FIELDS = {
  requestId: AccessLogField.contextRequestId(),
  time: AccessLogField.contextRequestTimeEpoch(),
  method: AccessLogField.contextHttpMethod(),
  path: AccessLogField.contextPath(),
  status: AccessLogField.contextStatus(),
  team: AccessLogField.contextAuthorizer('team'),
  keyId: AccessLogField.contextAuthorizer('keyId'),
  sourceIp: AccessLogField.contextIdentitySourceIp(),
  userAgent: AccessLogField.contextIdentityUserAgent(),
  latencyMs: AccessLogField.contextResponseLatency(),
  integrationMs: AccessLogField.contextIntegrationLatency(),
  responseBytes: AccessLogField.contextResponseLength(),
  error: AccessLogField.contextErrorResponseType(),
};

/** The public door: a REST API whose authorizer knows the team, and whose answers stream. */
export class GatewayApi extends Construct {
  readonly api: RestApi;

  constructor(scope: Construct, id: string, props: GatewayApiProps) {
    super(scope, id);
    const { environmentName, settings } = props;
    const logGroup = new LogGroup(this, 'AccessLogs', {
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.api = new RestApi(this, 'Rest', {
      restApiName: `groq-gateway-${environmentName}`,
      description: `Groq gateway of the environment ${environmentName}`,
      apiKeySourceType: ApiKeySourceType.AUTHORIZER,
      ...this.#endpoint(settings),
      deployOptions: {
        stageName: environmentName,
        accessLogDestination: new LogGroupLogDestination(logGroup),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_FIELDS)),
        tracingEnabled: settings.tracing,
        // The API's own metrics are free; those of each method are billed as custom ones.
        metricsEnabled: false,
      },
      // One role for the whole account and region: it stays when the stack goes, or other stages would lose their logs.
      cloudWatchRole: settings.setAccountLogRole,
      ...(settings.setAccountLogRole ? { cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN } : {}),
    });
    // The stack has an output of its own, which knows a custom domain.
    this.api.node.tryRemoveChild('Endpoint');
    const authorizer = new RequestAuthorizer(this, 'KeyAuthorizer', {
      handler: props.authorizer.function,
      identitySources: [IdentitySource.header('Authorization')],
      resultsCacheTtl: Duration.millis(CACHE_MS),
    });
    const defaultMethodOptions = { authorizer, apiKeyRequired: true };
    const openai = this.api.root.addResource('openai');
    openai.addProxy({
      anyMethod: true,
      defaultIntegration: new LambdaIntegration(props.gateway.function, {
        responseTransferMode: ResponseTransferMode.STREAM,
        timeout: RESPONSE_TIMEOUT,
        // One permission for the stage, not one more for the console's test button.
        allowTestInvoke: false,
      }),
      defaultMethodOptions,
    });
    // The longest path wins: these never reach the function that sees prompts.
    const administration = new LambdaIntegration(props.admin.function, { allowTestInvoke: false });
    const v1 = openai.addResource('v1', { defaultIntegration: administration, defaultMethodOptions });
    const keys = v1.addResource('api-keys');
    keys.addMethod('ANY');
    keys.addProxy({ anyMethod: true });
    v1.addResource('audit').addMethod('ANY');
    v1.addResource('groq-keys').addMethod('ANY');
    this.#addHealth();
    addGatewayResponses(this.api);
    this.#acknowledge();
  }

  /** Says that the API is there without a key and without a function: it costs nothing to be asked. */
  #addHealth(): void {
    const body = '{"status":"ok"}';
    const health = new MockIntegration({
      requestTemplates: { 'application/json': '{"statusCode": 200}' },
      integrationResponses: [{ statusCode: '200', responseTemplates: { 'application/json': body } }],
    });
    this.api.root
      .addResource('healthz')
      .addMethod('GET', health, { methodResponses: [{ statusCode: '200' }], apiKeyRequired: false });
  }

  #endpoint({ privateEndpoint }: DeploymentSettings): Partial<RestApiProps> {
    if (privateEndpoint === undefined) return { endpointTypes: [EndpointType.REGIONAL] };
    const vpcEndpoints = privateEndpoint.vpcEndpointIds.map((vpcEndpointId) =>
      InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(this, vpcEndpointId, { vpcEndpointId, port: 443 }),
    );
    const only = { 'aws:SourceVpce': privateEndpoint.vpcEndpointIds };
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
          statement(Effect.ALLOW, { StringEquals: only }),
          statement(Effect.DENY, { StringNotEquals: only }),
        ],
      }),
    };
  }

  #acknowledge(): void {
    Validations.of(this).acknowledge(
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
        reason: "API Gateway's own policy, of a role that only API Gateway can take.",
      },
      {
        id: 'AwsSolutions-APIG2',
        reason: "The gateway judges every body itself: a model of API Gateway's would refuse Groq's new fields.",
      },
      {
        id: 'AwsSolutions-APIG3',
        reason: 'A web ACL is a setting of the environment (deployment.webAcl): it costs money when idle.',
      },
      {
        id: 'AwsSolutions-APIG4',
        reason: "Only GET /healthz asks for no key; it is a fixed answer of API Gateway's own, without a function.",
      },
      {
        id: 'AwsSolutions-APIG6',
        reason: 'Execution logs hold headers and bodies, so keys and prompts; the access log tells what is needed.',
      },
      {
        id: 'AwsSolutions-COG4',
        reason:
          "Services authenticate by team keys, which the API's own authorizer checks; there are no users to sign in.",
      },
    );
  }
}
