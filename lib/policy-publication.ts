import { CustomResource, Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Construct, type IConstruct } from 'constructs';
import { CUSTOM_RESOURCE } from '../lambda/contract.ts';
import type { EnvironmentFile } from '../lambda/core/environment.ts';
import { encodeCatalog, encodeProperties } from '../lambda/core/resource-properties.ts';
import type { GatewayFunction } from './gateway-function.ts';
import { infrastructureDigest } from './infrastructure-digest.ts';

/** What is published, and by whom. */
export type PolicyPublicationProps = {
  readonly publisher: GatewayFunction;
  readonly environment: EnvironmentFile;
  readonly catalog: Readonly<Record<string, unknown>>;
};

/** How long publishing may take before the deployment gives up. */
const PUBLISH_WITHIN = Duration.minutes(5);

/** The teams and prices of this deployment, put in force in the registry, and the summary of what changed. */
export class PolicyPublication extends Construct {
  /** What the deployment changed, as Markdown. */
  readonly summary: string;
  readonly resource: CustomResource;

  /** `followers` come after the publication, and are no part of what it tells. */
  constructor(scope: Construct, id: string, props: PolicyPublicationProps, followers: () => readonly IConstruct[]) {
    super(scope, id);
    this.resource = new CustomResource(this, 'Policies', {
      serviceToken: props.publisher.function.functionArn,
      resourceType: CUSTOM_RESOURCE.policies,
      serviceTimeout: PUBLISH_WITHIN,
      properties: {
        Environment: encodeProperties(props.environment),
        Catalog: encodeCatalog(props.catalog),
        Infrastructure: Lazy.any({ produce: () => infrastructureDigest(Stack.of(this), [this, ...followers()]) }),
      },
    });
    // A role that is still being given its rights would fail the first publication.
    this.resource.node.addDependency(props.publisher.role);
    this.summary = this.resource.getAttString('Summary');
  }
}
