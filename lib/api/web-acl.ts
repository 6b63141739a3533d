import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';

/**
 * A web ACL with AWS's lists of malicious addresses and known bad inputs, and a rate limit per source address. It leaves
 * out the common rule set, which blocks bodies over 8 KB and text that looks like code, as prompts do.
 */
export class WebAcl extends Construct {
  constructor(scope: Construct, id: string, api: RestApi, settings: NonNullable<DeploymentSettings['webAcl']>) {
    super(scope, id);
    const visibility = (metricName: string) => ({
      cloudWatchMetricsEnabled: true,
      // Sampled requests would contain headers, so keys.
      sampledRequestsEnabled: false,
      metricName,
    });
    const managed = (name: string, priority: number) => ({
      name,
      priority,
      overrideAction: { none: {} },
      statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
      visibilityConfig: visibility(name),
    });
    const acl = new CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visibility('GroqGateway'),
      rules: [
        managed('AWSManagedRulesAmazonIpReputationList', 0),
        managed('AWSManagedRulesKnownBadInputsRuleSet', 1),
        {
          name: 'RatePerAddress',
          priority: 2,
          action: { block: {} },
          statement: { rateBasedStatement: { aggregateKeyType: 'IP', limit: settings.requestsPer5Minutes } },
          visibilityConfig: visibility('RatePerAddress'),
        },
      ],
    });
    new CfnWebACLAssociation(this, 'Association', {
      resourceArn: api.deploymentStage.stageArn,
      webAclArn: acl.attrArn,
    });
  }
}
