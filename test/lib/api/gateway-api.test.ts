import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { synthesizeTemplate } from '../../support/stack/stack.ts';

let template: Template;
beforeAll(() => {
  template = synthesizeTemplate();
});

describe('the API', () => {
  it('takes usage plan keys from its authorizer, caches its result for 60 s, and streams', () => {
    template.hasResourceProperties('AWS::ApiGateway::RestApi', { ApiKeySourceType: 'AUTHORIZER' });
    template.hasResourceProperties('AWS::ApiGateway::Authorizer', {
      Type: 'REQUEST',
      AuthorizerResultTtlInSeconds: 60,
      IdentitySource: 'method.request.header.Authorization',
    });
    template.hasResourceProperties('AWS::ApiGateway::Method', {
      HttpMethod: 'ANY',
      ApiKeyRequired: true,
      AuthorizationType: 'CUSTOM',
      Integration: {
        ResponseTransferMode: 'STREAM',
        TimeoutInMillis: 300_000,
        Uri: { 'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('response-streaming-invocations')])] },
      },
    });
  });

  it('serves only GET /healthz without a key, and that without a function', () => {
    const open = Object.values(
      template.findResources('AWS::ApiGateway::Method', { Properties: { AuthorizationType: 'NONE' } }),
    );
    expect(open.map(({ Properties }) => [Properties.HttpMethod, Properties.Integration.Type])).toEqual([
      ['GET', 'MOCK'],
    ]);
  });

  it("gives each of API Gateway's own responses the standard body and headers", () => {
    const responses = Object.values(template.findResources('AWS::ApiGateway::GatewayResponse'));
    expect(responses).toHaveLength(21);
    for (const { Properties } of responses) {
      const text = Properties.ResponseTemplates['application/json'].replace('$context.error.messageString', '"words"');
      expect(JSON.parse(text)).toEqual({
        error: { message: expect.any(String), type: expect.any(String), param: null, code: expect.any(String) },
      });
      expect(Properties.ResponseParameters).toMatchObject({
        'gatewayresponse.header.x-request-id': 'context.requestId',
      });
    }
  });

  it.each([
    ['UNAUTHORIZED', '401', 'invalid_api_key'],
    ['INVALID_API_KEY', '403', 'unknown_team'],
    ['MISSING_AUTHENTICATION_TOKEN', '404', 'unknown_url'],
    ['REQUEST_TOO_LARGE', '413', 'request_too_large'],
    ['THROTTLED', '429', 'rate_limit_exceeded'],
    ['QUOTA_EXCEEDED', '429', 'rate_limit_exceeded'],
    ['AUTHORIZER_FAILURE', '503', 'gateway_unavailable'],
    ['INTEGRATION_TIMEOUT', '503', 'groq_answer_lost'],
  ])('turns %s into %s %s', (type, status, code) => {
    template.hasResourceProperties('AWS::ApiGateway::GatewayResponse', {
      ResponseType: type,
      StatusCode: status,
      ResponseTemplates: { 'application/json': Match.stringLikeRegexp(`"code":"${code}"`) },
    });
  });

  it('logs the caller and the request, but no headers and no body', () => {
    const [stage] = Object.values(template.findResources('AWS::ApiGateway::Stage'));
    const format = stage?.Properties.AccessLogSetting.Format;
    expect(Object.keys(JSON.parse(format))).toEqual(expect.arrayContaining(['requestId', 'team', 'keyId', 'status']));
    expect(format).not.toMatch(/header|authorization"|apiKey|requestOverride/i);
    const [settings] = stage?.Properties.MethodSettings ?? [];
    expect(settings).toMatchObject({ DataTraceEnabled: false, MetricsEnabled: false });
    expect(settings).not.toHaveProperty('LoggingLevel');
  });
});

describe('the settings of an environment', () => {
  const customDomain = {
    name: 'groq.example.com',
    certificateArn: 'arn:aws:acm:eu-central-1:111111111111:certificate/1',
  };

  it('add a custom domain with an alias in Route 53, or with an output of its target', () => {
    const own = synthesizeTemplate({ deployment: { customDomain } });
    own.hasResourceProperties('AWS::ApiGateway::DomainName', {
      DomainName: 'groq.example.com',
      SecurityPolicy: 'TLS_1_2',
    });
    own.hasOutput('Endpoint', { Value: 'https://groq.example.com' });
    own.hasOutput('DomainTarget', {});
    const zoned = synthesizeTemplate({
      deployment: { customDomain: { ...customDomain, hostedZone: { id: 'Z1', name: 'example.com' } } },
    });
    zoned.hasResourceProperties('AWS::Route53::RecordSet', { Name: 'groq.example.com.', Type: 'A' });
  });

  it('add a web ACL that lets long prompts pass', () => {
    template.resourceCountIs('AWS::WAFv2::WebACL', 0);
    const guarded = synthesizeTemplate({ deployment: { webAcl: { requestsPer5Minutes: 500 } } });
    guarded.resourceCountIs('AWS::WAFv2::WebACLAssociation', 1);
    guarded.hasResourceProperties('AWS::WAFv2::WebACL', {
      Rules: Match.arrayWith([
        Match.objectLike({ Statement: { RateBasedStatement: { Limit: 500, AggregateKeyType: 'IP' } } }),
      ]),
    });
    expect(JSON.stringify(guarded.toJSON())).not.toContain('AWSManagedRulesCommonRuleSet');
  });

  it('restrict the API to VPC endpoints', () => {
    const inside = synthesizeTemplate({ deployment: { privateEndpoint: { vpcEndpointIds: ['vpce-0a1b'] } } });
    inside.hasResourceProperties('AWS::ApiGateway::RestApi', {
      EndpointConfiguration: { Types: ['PRIVATE'], VpcEndpointIds: ['vpce-0a1b'] },
      Policy: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { StringNotEquals: { 'aws:SourceVpce': ['vpce-0a1b'] } } }),
        ]),
      },
    });
  });
});
