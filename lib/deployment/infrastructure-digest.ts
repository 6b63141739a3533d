import { createHash } from 'node:crypto';
import { CfnResource, Lazy, type Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Length of a hash in characters: enough for a person to compare two. */
const HASH_LENGTH = 12;

/** Types without a digest: metadata deploys nothing, and a nested stack's own resources are digested instead. */
const EXCLUDED_TYPES = ['AWS::CDK::Metadata', 'AWS::CloudFormation::Stack'];

/**
 * Returns a hash of each nested stack and of each construct down to the second level, by construct path. Two digests
 * compared show what a deployment changed. `except` names the constructs that contain the digest itself.
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

/** Returns one hash of the whole digest, which changes whenever any resource of the stack does. */
export function infrastructureHash(stack: Stack, except: readonly IConstruct[]): string {
  return Lazy.string({ produce: () => hashTexts(Object.values(infrastructureDigest(stack, except))) });
}

/** A resource as the template renders it. CDK has no public method for this; a test fails if the private one is removed. */
function resolveResource(resource: CfnResource): unknown {
  const { _toCloudFormation } = resource as unknown as { _toCloudFormation?: () => object };
  if (_toCloudFormation === undefined) throw new Error('CfnResource has no _toCloudFormation any more');
  return resource.stack.resolve(_toCloudFormation.call(resource));
}

function hashTexts(texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, HASH_LENGTH);
}
