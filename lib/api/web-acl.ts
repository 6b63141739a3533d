import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { DeploymentSettings } from '../../lambda/policy/deployment-settings.ts';

/**
 * A web ACL: AWS's lists of bad addresses and known bad inputs, and a rate a source address. The common rule set is left
 * out on purpose: it blocks bodies over 8 KB and text that looks like code, which prompts are.
 */
export class WebAcl extends Construct {
  constructor(scope: Construct, id: string, api: RestApi, settings: NonNullable<DeploymentSettings['webAcl']>) {
    super(scope, id);
    const visibility = (metricName: string) => ({
      cloudWatchMetricsEnabled: true,
      // A sample holds a request's headers, so keys.
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
