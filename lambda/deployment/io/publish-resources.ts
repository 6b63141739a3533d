import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import type { EnvironmentFile } from '../../policy/environment.ts';
import { type PublishPorts, publishPolicies } from '../publish.ts';
import { decodeCatalog, decodeProperties } from '../resource-properties.ts';
import type { ResourceData, ResourceHandler } from './custom-resource.ts';

/** What the team keys' store can do for a team that is removed. */
export type KeyRevoker = {
  listKeyIds(team: string): Promise<readonly string[]>;
  revoke(keyId: string): Promise<void>;
};

type Properties = Readonly<Record<string, unknown>>;

/** The policies and prices of an environment: publishes them, and leaves them when the stack goes. */
export function publishHandler(ports: () => PublishPorts): ResourceHandler {
  return async (event): Promise<ResourceData> => {
    // The tables outlive the stack, and a ledger without its policy could not be read.
    if (event.RequestType === 'Delete') return {};
    const before = event.RequestType === 'Update' ? readDigest(event.OldResourceProperties) : undefined;
    const { summary } = await publishPolicies(ports(), {
      environment: decodeProperties(propertyTree(event.ResourceProperties, 'Environment')) as EnvironmentFile,
      catalog: decodeCatalog(propertyTree(event.ResourceProperties, 'Catalog')),
      infrastructure: readDigest(event.ResourceProperties) ?? {},
      infrastructureBefore: before,
      actor: event.StackId,
      requestId: event.RequestId,
    });
    return { Summary: summary };
  };
}

/**
 * A team's keys. Nothing happens while the team is there; when it goes, all of its keys are revoked. CloudFormation
 * deletes what a change leaves behind only after all the rest has succeeded, so a change that is rolled back revokes none.
 */
export function teamKeysHandler(keys: KeyRevoker): ResourceHandler {
  return async (event: CloudFormationCustomResourceEvent): Promise<ResourceData> => {
    if (event.RequestType !== 'Delete') return {};
    const team = (event.ResourceProperties as Properties).Team;
    if (typeof team !== 'string') throw new Error('the resource names no team');
    for (const keyId of await keys.listKeyIds(team)) await keys.revoke(keyId);
    return {};
  };
}

function propertyTree(properties: Properties, name: string): Properties {
  const tree = properties[name];
  if (typeof tree !== 'object' || tree === null) throw new Error(`the resource has no property ${name}`);
  return tree as Properties;
}

function readDigest(properties: Properties): Readonly<Record<string, string>> | undefined {
  return properties.Infrastructure as Readonly<Record<string, string>> | undefined;
}
