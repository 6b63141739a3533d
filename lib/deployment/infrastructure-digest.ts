import { createHash } from 'node:crypto';
import { CfnResource, Lazy, type Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** How many characters of a hash tell two templates' resources apart for a person. */
const HASH_LENGTH = 12;

/** No part of what is deployed, or told by the parts themselves. */
const EXCLUDED_TYPES = ['AWS::CDK::Metadata', 'AWS::CloudFormation::Stack'];

/**
 * What a stack consists of: a hash for each nested stack, and for each construct one level below its own. Compared
 * with the one before, it tells what a deployment changed; `except` are the constructs that carry the digest.
 */
export function infrastructureDigest(stack: Stack, except: readonly IConstruct[]): Record<string, string> {
  const carried = new Set(except.flatMap((construct) => construct.node.findAll()));
  const parts = new Map<string, string[]>();
  for (const construct of stack.node.findAll()) {
    if (!CfnResource.isCfnResource(construct) || carried.has(construct)) continue;
    if (EXCLUDED_TYPES.includes(construct.cfnResourceType)) continue;
    const [first = '', second] = construct.node.path.slice(stack.node.path.length + 1).split('/');
    const name = second === undefined || construct.stack !== stack ? first : `${first}/${second}`;
    parts.set(name, [...(parts.get(name) ?? []), JSON.stringify(resolveResource(construct))]);
  }
  return Object.fromEntries([...parts].map(([name, texts]) => [name, hashTexts(texts.sort())]));
}

/** The same as one hash: a property that changes whenever anything of the stack does. */
export function infrastructureHash(stack: Stack, except: readonly IConstruct[]): string {
  return Lazy.string({ produce: () => hashTexts(Object.values(infrastructureDigest(stack, except))) });
}

/** A resource as the template will have it. CDK offers no public way to see it; a test notices when this one goes. */
function resolveResource(resource: CfnResource): unknown {
  const { _toCloudFormation } = resource as unknown as { _toCloudFormation?: () => object };
  if (_toCloudFormation === undefined) throw new Error('CfnResource has no _toCloudFormation any more');
  return resource.stack.resolve(_toCloudFormation.call(resource));
}

function hashTexts(texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, HASH_LENGTH);
}
