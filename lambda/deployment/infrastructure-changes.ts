import { ABSENT, type Change } from './change.ts';

/** Compares two digests of a template, which hold a hash by construct path. A first deployment has no changes. */
export function infrastructureChanges(
  before: Readonly<Record<string, string>> | undefined,
  after: Readonly<Record<string, string>>,
): readonly Change[] {
  // Listing every resource of a first deployment would help nobody.
  if (before === undefined) return [];
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return paths
    .filter((path) => before[path] !== after[path])
    .map((path) => {
      const was = before[path] === undefined ? ABSENT : 'deployed';
      const is = after[path] === undefined ? 'removed' : before[path] === undefined ? 'added' : 'changed';
      return { subject: 'infrastructure', field: path, before: was, after: is, why: explain(path) };
    });
}

function explain(path: string): string {
  const known = Object.entries(EXPLANATIONS).find(([start]) => path.startsWith(start));
  return known?.[1] ?? 'See cdk diff for its properties.';
}

/** By the start of a construct path. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  Ledger: 'Holds budgets and spending: check that the table was updated in place.',
  Registry: 'Holds policies, keys and the audit trail: check that the table was updated in place.',
  'Gateway/': 'Admits and forwards every request.',
  'Authorizer/': 'Authenticates every key.',
  Api: "The clients' endpoint.",
  Team: "A team's usage plan, plan key and Groq secret.",
};
