import { formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import { renderMarkdownTable } from '../kernel/text-table.ts';
import { addGroqKeyUse, type GroqKeyCounts, type GroqKeyUse, NO_GROQ_KEY_USE } from '../usage/groq-key-use.ts';
import type { GroqKeyRecord } from './groq-key-record.ts';

/** The data of a rotation's report. */
export type RotationReportData = {
  readonly environmentName: string;
  /** The key that became current. */
  readonly key: GroqKeyRecord;
  /** The key that it replaced; undefined for a team's first. */
  readonly old: GroqKeyRecord | undefined;
  /** The team's calls by Groq key and hour, from the hour of `fromEpochMs` on. */
  readonly rows: readonly GroqKeyUse[];
  readonly fromEpochMs: number;
  readonly nowEpochMs: number;
};

const UNNAMED_KEY = '(no name)';

/** Renders a rotation as Markdown: its timeline and its calls by key. The report never contains a key. */
export function renderRotationReport(report: RotationReportData): string {
  const { environmentName, key, old, rows, nowEpochMs } = report;
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const refused = rows.reduce((sum, row) => sum + row.refused, 0);
  const isFinal = old === undefined || old.retiredAtEpochMs !== undefined || old.revokedAtEpochMs !== undefined;
  return [
    `# Groq key rotation of team ${key.team}, ${environmentName}`,
    '',
    `${isFinal ? 'Final' : 'First'} edition of ${formatUtc(nowEpochMs)}: ${keyLabel(old)} → **${keyLabel(key)}**.`,
    '',
    `**Failed calls: ${failed}.** Times that Groq refused a key (401): ${refused}; such a call was retried with another key unless it is counted as failed.`,
    '',
    '## Timeline',
    '',
    renderMarkdownTable(
      ['when (UTC)', 'what'],
      buildTimeline(report).map(([atEpochMs, what]) => [formatUtc(atEpochMs), what]),
    ),
    '',
    `## Calls by key since ${formatUtc(report.fromEpochMs).slice(0, 13)}:00Z`,
    '',
    renderMarkdownTable(
      ['key', 'id', 'calls', 'refused (401)', 'failed', 'last used in the hour of', 'probes', 'probes refused'],
      listReportKeys(report).map(([keyId, record]) => buildKeyRow(keyId, record, rows)),
      [2, 3, 4, 6, 7],
    ),
    '',
    `Staged by: ${singleLine(key.stagedBy ?? (key.upstreamId === undefined ? 'unknown' : "the upstream's key API"))}.`,
    '',
  ].join('\n');
}

function buildTimeline({ key, old }: RotationReportData): readonly (readonly [number, string])[] {
  const isOldEnded = old?.revokedAtEpochMs !== undefined || old?.deletedAtEpochMs !== undefined;
  const hasCanary = old !== undefined && old.revokedAtEpochMs === undefined;
  const events: readonly (readonly [number | undefined, string])[] = [
    [key.stagedAtEpochMs, `staged by ${singleLine(key.stagedBy ?? 'unknown')}`],
    [key.createdAtEpochMs, 'created: became the pending key'],
    [key.testedAtEpochMs, 'tested: Groq accepted it'],
    [key.currentFromEpochMs, `promoted: gateways use it within a minute${hasCanary ? ', a share of calls first' : ''}`],
    [key.returnedAtEpochMs, `returned: Groq refused it, and ${keyLabel(old)} was made current again`],
    [key.revokedAtEpochMs, 'revoked by an operator'],
    [old?.revokedAtEpochMs, `${keyLabel(old)} revoked by an operator`],
    [
      old?.replacedAtEpochMs === undefined || isOldEnded ? undefined : old.replacedAtEpochMs + MS_PER_DAY,
      `the overlap ends: ${keyLabel(old)} is retired once it has been unused for 24 hours`,
    ],
    [old?.retiredAtEpochMs, `${keyLabel(old)} retired: unused for 24 hours`],
    [old?.deletedAtEpochMs, `${keyLabel(old)} deleted at Groq`],
  ];
  return events.flatMap(([at, what]) => (at === undefined ? [] : [[at, what] as const])).sort(([a], [b]) => a - b);
}

/** Returns the two keys of the rotation, and any other that calls were sent with meanwhile. */
function listReportKeys({
  key,
  old,
  rows,
}: RotationReportData): readonly (readonly [string, GroqKeyRecord | undefined])[] {
  const known = new Map<string, GroqKeyRecord | undefined>([
    ...(old === undefined ? [] : ([[old.keyId, old]] as const)),
    [key.keyId, key],
  ]);
  for (const { keyId } of rows) if (!known.has(keyId)) known.set(keyId, undefined);
  return [...known];
}

function buildKeyRow(
  keyId: string,
  record: GroqKeyRecord | undefined,
  rows: readonly GroqKeyUse[],
): readonly (string | number)[] {
  const own = rows.filter((row) => row.keyId === keyId);
  const sum: GroqKeyCounts = own.reduce(addGroqKeyUse, NO_GROQ_KEY_USE);
  const usedHours = own.filter(({ requests }) => requests > 0).map(({ hour }) => hour);
  const lastHour = usedHours.sort().at(-1);
  return [
    keyLabel(record),
    keyId,
    sum.requests,
    sum.refused,
    sum.failed,
    lastHour === undefined ? '–' : `${lastHour}:00Z`,
    record?.probes ?? 0,
    record?.probesRefused ?? 0,
  ];
}

function keyLabel(record: GroqKeyRecord | undefined): string {
  return record === undefined ? 'another key' : singleLine(record.name ?? UNNAMED_KEY);
}

/** Joins the lines of a person's text. */
function singleLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
