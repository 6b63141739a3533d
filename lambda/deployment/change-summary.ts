import type { Change } from './policy-changes.ts';

/** The most bytes of a summary that a deployment returns: CloudFormation takes 4,096 of a custom resource in all. */
const MAX_SUMMARY_BYTES = 3_000;

const NOTHING = 'No policy, price or resource changed.';

/** What a deployment changed, as Markdown; cut short to what CloudFormation can carry, with the count of what is left out. */
export function summarizeChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return NOTHING;
  const head = tableHeader(changes);
  const rows = changes.map(tableRow);
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
  return changes.length === 0 ? NOTHING : [tableHeader(changes), ...changes.map(tableRow)].join('\n');
}

function tableHeader(changes: readonly Change[]): string {
  const counts = new Map<string, number>();
  for (const { subject } of changes) {
    const kind = subject.split(' ', 1)[0] ?? '';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const parts = [...counts].map(([kind, count]) => `${kind}: ${count}`);
  const count = `**${changes.length} ${changes.length === 1 ? 'change' : 'changes'}** (${parts.join(', ')})`;
  return `${count}\n\n| what | before | after | why it matters |\n| --- | --- | --- | --- |`;
}

function tableRow({ subject, field, before, after, why }: Change): string {
  const cells = [field === '' ? subject : `${subject}: ${field}`, before, after, why];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}
