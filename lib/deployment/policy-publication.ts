import { CustomResource, Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Construct, type IConstruct } from 'constructs';
import { CUSTOM_RESOURCE } from '../../lambda/contract.ts';
import { encodeCatalog, encodeProperties } from '../../lambda/deployment/resource-properties.ts';
import { ConfigError } from '../../lambda/kernel/config-error.ts';
import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { omitNotes } from '../../lambda/pricing/published-catalog.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { infrastructureDigest } from './infrastructure-digest.ts';

/** Props of the publication. */
export type PolicyPublicationProps = {
  readonly publisher: GatewayFunction;
  readonly environment: EnvironmentFile;
  readonly catalog: Readonly<Record<string, unknown>>;
};

/**
 * Limit of the encoded policies and prices, in bytes. CloudFormation invokes the function asynchronously, with an event of
 * at most 256 KB (Lambda quotas, read 2026-11-25), and an update's event holds both the new and the old properties.
 */
export const MAX_PROPERTIES_BYTES = 120_000;

/** Limit of publishing; the deployment fails after it. */
const PUBLICATION_TIMEOUT = Duration.minutes(5);

/** Publishes the deployment's policies and prices to the registry. */
export class PolicyPublication extends Construct {
  /** Summary of the deployment's changes, as Markdown. */
  readonly summary: string;
  readonly resource: CustomResource;

  /** `excludedConstructs` depend on the publication, so they are left out of its digest. */
  constructor(
    scope: Construct,
    id: string,
    props: PolicyPublicationProps,
    excludedConstructs: () => readonly IConstruct[],
  ) {
    super(scope, id);
    const policies = {
      Environment: encodeProperties(props.environment),
      Catalog: encodeCatalog(omitNotes(props.catalog)),
    };
    const bytes = Buffer.byteLength(JSON.stringify(policies));
    if (bytes > MAX_PROPERTIES_BYTES) {
      throw new ConfigError(
        `the policies and prices are ${bytes} bytes, and CloudFormation accepts ${MAX_PROPERTIES_BYTES}: shorten "purpose" and "alertRecipients", or split the environment`,
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
    // The first publication fails if it runs before the role's policies are attached.
    this.resource.node.addDependency(props.publisher.role);
    this.summary = this.resource.getAttString('Summary');
  }
}
