import { CfnOutput, Stack } from 'aws-cdk-lib';
import { BasePathMapping, DomainName, EndpointType, type RestApi, SecurityPolicy } from 'aws-cdk-lib/aws-apigateway';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayDomain } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';

/** A custom domain name for the API, with an alias record if the hosted zone is known. */
export class CustomDomain extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, api: RestApi, settings: NonNullable<DeploymentSettings['customDomain']>) {
    super(scope, id);
    const domain = new DomainName(this, 'Name', {
      domainName: settings.name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', settings.certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new BasePathMapping(this, 'Mapping', { domainName: domain, restApi: api, stage: api.deploymentStage });
    if (settings.hostedZone === undefined) {
      new CfnOutput(Stack.of(this), 'DomainTarget', {
        description: `Point a CNAME of ${settings.name} here`,
        value: domain.domainNameAliasDomainName,
      });
    } else {
      const { id: hostedZoneId, name: zoneName } = settings.hostedZone;
      new ARecord(this, 'Alias', {
        zone: HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId, zoneName }),
        recordName: `${settings.name}.`,
        target: RecordTarget.fromAlias(new ApiGatewayDomain(domain)),
      });
    }
    this.url = `https://${settings.name}`;
  }
}
