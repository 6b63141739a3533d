import { createHash } from 'node:crypto';
import { CfnResource, Lazy, type Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** How many characters of a hash tell two templates' resources apart for a person. */
const SHORT = 12;

/** No part of what is deployed, or told by the parts themselves. */
const UNTOLD = ['AWS::CDK::Metadata', 'AWS::CloudFormation::Stack'];

/**
 * What a stack consists of: a hash for each nested stack, and for each construct one level below its own. Compared
 * with the one before, it tells what a deployment changed; `except` are the constructs that carry the digest.
 */
export function infrastructureDigest(stack: Stack, except: readonly IConstruct[]): Record<string, string> {
  const carried = new Set(except.flatMap((construct) => construct.node.findAll()));
  const parts = new Map<string, string[]>();
  for (const construct of stack.node.findAll()) {
    if (!CfnResource.isCfnResource(construct) || carried.has(construct)) continue;
    if (UNTOLD.includes(construct.cfnResourceType)) continue;
    const [first = '', second] = construct.node.path.slice(stack.node.path.length + 1).split('/');
    const name = second === undefined || construct.stack !== stack ? first : `${first}/${second}`;
    parts.set(name, [...(parts.get(name) ?? []), JSON.stringify(templateOf(construct))]);
  }
  return Object.fromEntries([...parts].map(([name, texts]) => [name, hashOf(texts.sort())]));
}

/** The same as one hash: a property that changes whenever anything of the stack does. */
export function infrastructureFingerprint(stack: Stack, except: readonly IConstruct[]): string {
  return Lazy.string({ produce: () => hashOf(Object.values(infrastructureDigest(stack, except))) });
}

/** A resource as the template will have it. CDK offers no public way to see it; a test notices when this one goes. */
function templateOf(resource: CfnResource): unknown {
  const { _toCloudFormation } = resource as unknown as { _toCloudFormation?: () => object };
  if (_toCloudFormation === undefined) throw new Error('CfnResource has no _toCloudFormation any more');
  return resource.stack.resolve(_toCloudFormation.call(resource));
}

function hashOf(texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, SHORT);
}
