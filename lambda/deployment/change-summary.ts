import { renderMarkdownTable } from '../kernel/text-table.ts';
import type { Change } from './change.ts';

/** Limit of a summary in bytes. CloudFormation accepts 4,096 bytes in a custom resource's whole response. */
const MAX_SUMMARY_BYTES = 3_000;

const NO_CHANGES = 'No policy, price or resource changed.';

/** Renders changes as a Markdown table within CloudFormation's limit, with a count of the rows left out. */
export function summarizeChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return NO_CHANGES;
  const [columns = '', rule = '', ...rows] = changeTable(changes).split('\n');
  const head = [`${countChanges(changes)}\n`, columns, rule].join('\n');
  // The response is JSON, so sizes are those of JSON strings.
  const encoder = new TextEncoder();
  const encodedBytes = (text: string) => encoder.encode(JSON.stringify(text)).length;
  const kept: string[] = [];
  let bytes = encodedBytes(head);
  for (const row of rows) {
    bytes += encodedBytes(row);
    if (bytes > MAX_SUMMARY_BYTES) break;
    kept.push(row);
  }
  const omitted = rows.length - kept.length;
  const rest = omitted === 0 ? '' : `\n\n... and ${omitted} more: npx groq-rbac changes --env <environment>`;
  return [head, ...kept].join('\n') + rest;
}

/** Renders all changes as a Markdown table. */
export function renderChanges(changes: readonly Change[]): string {
  return changes.length === 0 ? NO_CHANGES : `${countChanges(changes)}\n\n${changeTable(changes)}`;
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
