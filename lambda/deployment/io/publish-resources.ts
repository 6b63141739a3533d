import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import type { EnvironmentFile } from '../../policy/environment.ts';
import { type PublishPorts, publishPolicies } from '../publish.ts';
import { decodeCatalog, decodeProperties } from '../resource-properties.ts';
import type { ResourceData, ResourceHandler } from './custom-resource.ts';

/** Port that revokes the keys of a removed team. */
export type KeyRevoker = {
  listKeyIds(team: string): Promise<readonly string[]>;
  revoke(keyId: string): Promise<void>;
};

type Properties = Readonly<Record<string, unknown>>;

/** Creates the handler that publishes an environment's policies and prices. Deleting the resource leaves them in force. */
export function publishHandler(ports: () => PublishPorts): ResourceHandler {
  return async (event): Promise<ResourceData> => {
    // The tables are retained, and reading a ledger requires its policy.
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
 * Creates the handler that revokes all keys of a team when its stack is deleted. CloudFormation deletes resources only after
 * the rest of an update has succeeded, so an update that rolls back revokes no keys.
 */
export function teamKeysHandler(keys: KeyRevoker): ResourceHandler {
  return async (event: CloudFormationCustomResourceEvent): Promise<ResourceData> => {
    if (event.RequestType !== 'Delete') return {};
    const team = (event.ResourceProperties as Properties).Team;
    if (typeof team !== 'string') throw new Error('the resource has no property Team');
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
