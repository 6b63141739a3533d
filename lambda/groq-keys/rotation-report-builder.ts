import { formatUtc, hourAt, MS_PER_DAY } from '../kernel/period.ts';
import type { GroqKeyPorts } from './groq-key-ports.ts';
import type { GroqKeyRecord } from './groq-key-record.ts';
import { renderRotationReport } from './rotation-report.ts';

/** The maximum age of calls in a report, in milliseconds; it leaves out older calls of a longer rotation. */
const LOOK_BACK_MS = 31 * MS_PER_DAY;

/** Builds the report of the rotation that made a key current, as Markdown. */
export async function buildRotationReport(
  {
    records,
    use,
    environmentName,
    nowEpochMs,
  }: Pick<GroqKeyPorts, 'records' | 'use' | 'environmentName' | 'nowEpochMs'>,
  key: GroqKeyRecord,
): Promise<string> {
  const { team, replaces } = key;
  const old = replaces === undefined ? undefined : await records.read(team, replaces);
  const startedAtEpochMs = key.createdAtEpochMs ?? key.currentFromEpochMs ?? nowEpochMs;
  const fromEpochMs = Math.max(startedAtEpochMs, nowEpochMs - LOOK_BACK_MS);
  const rows = await use.readGroqKeyUse(team, hourAt(fromEpochMs), hourAt(nowEpochMs));
  return renderRotationReport({ environmentName, key, old, rows, fromEpochMs, nowEpochMs });
}

/** Builds and stores that report. Returns its location. */
export async function saveRotationReport(ports: GroqKeyPorts, key: GroqKeyRecord): Promise<string> {
  const day = formatUtc(key.currentFromEpochMs ?? ports.nowEpochMs).slice(0, 10);
  const markdown = await buildRotationReport(ports, key);
  return await ports.notifier.saveReport(`groq-keys/${key.team}/${day}-${key.keyId}.md`, markdown);
}
