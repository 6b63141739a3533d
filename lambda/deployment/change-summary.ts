import { renderMarkdownTable } from '../kernel/text-table.ts';
import type { Change } from './policy-changes.ts';

/** The most bytes of a summary that a deployment returns: CloudFormation takes 4,096 of a custom resource in all. */
const MAX_SUMMARY_BYTES = 3_000;

const NOTHING = 'No policy, price or resource changed.';

/** What a deployment changed, as Markdown; cut short to what CloudFormation can carry, with the count of what is left out. */
export function summarizeChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return NOTHING;
  const [columns = '', rule = '', ...rows] = changeTable(changes).split('\n');
  const head = [`${countChanges(changes)}\n`, columns, rule].join('\n');
  // As JSON text, which is how it travels.
  const encoder = new TextEncoder();
  const sizeOf = (text: string) => encoder.encode(JSON.stringify(text)).length;
  const kept: string[] = [];
  let bytes = sizeOf(head);
  for (const row of rows) {
    bytes += sizeOf(row);
    if (bytes > MAX_SUMMARY_BYTES) break;
    kept.push(row);
  }
  const left = rows.length - kept.length;
  const rest = left === 0 ? '' : `\n\n... and ${left} more: npx groq-rbac changes --env <environment>`;
  return [head, ...kept].join('\n') + rest;
}

/** The same, whole. */
export function renderChanges(changes: readonly Change[]): string {
  return changes.length === 0 ? NOTHING : `${countChanges(changes)}\n\n${changeTable(changes)}`;
}

function countChanges(changes: readonly Change[]): string {
  const counts = new Map<string, number>();
  for (const { subject } of changes) {
    const kind = subject.split(' ', 1)[0] ?? '';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const parts = [...counts].map(([kind, count]) => `${kind}: ${count}`);
  return `**${changes.length} ${changes.length === 1 ? 'change' : 'changes'}** (${parts.join(', ')})`;
}

function changeTable(changes: readonly Change[]): string {
  const rows = changes.map(({ subject, field, before, after, why }) => {
    const name = field === '' ? subject : `${subject}: ${field}`;
    return [name, before, after, why];
  });
  return renderMarkdownTable(['what', 'before', 'after', 'why it matters'], rows);
}
