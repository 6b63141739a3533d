import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  AccessLogField,
  AccessLogFormat,
  ApiKeySourceType,
  IdentitySource,
  LogGroupLogDestination,
  RequestAuthorizer,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { CACHE_MS } from '../../lambda/contract.ts';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { endpointProps } from './api-endpoint.ts';
import { type ApiFunctions, addMethods } from './api-methods.ts';
import { addGatewayResponses } from './gateway-responses.ts';

/** Props of {@link GatewayApi}. */
export type GatewayApiProps = ApiFunctions & {
  readonly environmentName: string;
  readonly authorizer: GatewayFunction;
  readonly settings: DeploymentSettings;
};

/** Fields of the access log: caller, request and durations, but no client header and nothing of a body. */
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

/** The REST API: its authorizer identifies the team, and its responses stream. */
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
      ...endpointProps(this, settings),
      deployOptions: {
        stageName: environmentName,
        accessLogDestination: new LogGroupLogDestination(logGroup),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_FIELDS)),
        tracingEnabled: settings.tracing,
        // The API's own metrics are free; per-method metrics are billed as custom metrics.
        metricsEnabled: false,
      },
      // The role serves every stage of the account and region, so it stays when the stack is deleted.
      cloudWatchRole: settings.setAccountLogRole,
      ...(settings.setAccountLogRole ? { cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN } : {}),
    });
    // The stack's own output replaces this one, because it also knows a custom domain.
    this.api.node.tryRemoveChild('Endpoint');
    const authorizer = new RequestAuthorizer(this, 'KeyAuthorizer', {
      handler: props.authorizer.function,
      identitySources: [IdentitySource.header('Authorization')],
      resultsCacheTtl: Duration.millis(CACHE_MS),
    });
    addMethods(this.api, props, authorizer);
    addGatewayResponses(this.api);
    this.#acknowledge();
  }

  #acknowledge(): void {
    Validations.of(this).acknowledge(
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
        reason: "API Gateway's own policy, of a role that only API Gateway can assume.",
      },
      {
        id: 'AwsSolutions-APIG2',
        reason: "The gateway validates every body itself: an API Gateway model would refuse Groq's new fields.",
      },
      {
        id: 'AwsSolutions-APIG3',
        reason: 'A web ACL is a setting of the environment (deployment.webAcl): it costs money when idle.',
      },
      {
        id: 'AwsSolutions-APIG4',
        reason: 'Only GET /healthz needs no key: a fixed response of API Gateway that invokes no function.',
      },
      {
        id: 'AwsSolutions-APIG6',
        reason: 'Execution logs contain headers and bodies, so keys and prompts; the access log is enough.',
      },
      {
        id: 'AwsSolutions-COG4',
        reason: 'Services authenticate with team keys, which a Lambda authorizer checks; no users sign in.',
      },
    );
  }
}
