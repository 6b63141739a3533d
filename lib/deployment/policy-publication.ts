import { CustomResource, Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Construct, type IConstruct } from 'constructs';
import { CUSTOM_RESOURCE } from '../../lambda/contract.ts';
import { encodeCatalog, encodeProperties } from '../../lambda/deployment/resource-properties.ts';
import { ConfigError } from '../../lambda/kernel/config-error.ts';
import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { infrastructureDigest } from './infrastructure-digest.ts';

/** What is published, and by whom. */
export type PolicyPublicationProps = {
  readonly publisher: GatewayFunction;
  readonly environment: EnvironmentFile;
  readonly catalog: Readonly<Record<string, unknown>>;
};

/**
 * The most bytes of the policies and prices: CloudFormation invokes asynchronously, by an event of at most 256 KB (Lambda
 * quotas, read 2026-11-25), and an update's holds them twice, as they are and as they were.
 */
export const MAX_PROPERTIES_BYTES = 120_000;

/** How long publishing may take before the deployment gives up. */
const PUBLICATION_TIMEOUT = Duration.minutes(5);

/** The teams and prices of this deployment, put in force in the registry, and the summary of what changed. */
export class PolicyPublication extends Construct {
  /** What the deployment changed, as Markdown. */
  readonly summary: string;
  readonly resource: CustomResource;

  /** `excludedConstructs` come after the publication, and are no part of what it tells. */
  constructor(
    scope: Construct,
    id: string,
    props: PolicyPublicationProps,
    excludedConstructs: () => readonly IConstruct[],
  ) {
    super(scope, id);
    const policies = { Environment: encodeProperties(props.environment), Catalog: encodeCatalog(props.catalog) };
    const bytes = Buffer.byteLength(JSON.stringify(policies));
    if (bytes > MAX_PROPERTIES_BYTES) {
      throw new ConfigError(
        `the policies and prices are ${bytes} bytes, and CloudFormation can carry ${MAX_PROPERTIES_BYTES}: shorten "purpose" and "alertRecipients", or split the environment`,
      );
    }
    this.resource = new CustomResource(this, 'Policies', {
      serviceToken: props.publisher.function.functionArn,
      resourceType: CUSTOM_RESOURCE.policies,
      serviceTimeout: PUBLICATION_TIMEOUT,
      properties: {
        ...policies,
        Infrastructure: Lazy.any({
          produce: () => infrastructureDigest(Stack.of(this), [this, ...excludedConstructs()]),
        }),
      },
    });
    // A role that is still being given its rights would fail the first publication.
    this.resource.node.addDependency(props.publisher.role);
    this.summary = this.resource.getAttString('Summary');
  }
}
