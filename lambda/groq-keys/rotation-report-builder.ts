import { hourAt, MS_PER_DAY } from '../kernel/period.ts';
import type { GroqKeyPorts } from './groq-key-ports.ts';
import type { GroqKeyRecord } from './groq-key-record.ts';
import { renderRotationReport } from './rotation-report.ts';

/** The longest that a report looks back for calls, in milliseconds; a rotation that goes on for longer tells of the rest. */
const LOOK_BACK_MS = 31 * MS_PER_DAY;

/** The report of the rotation that made a key current, as Markdown. */
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
  const begunAtEpochMs = key.createdAtEpochMs ?? key.currentFromEpochMs ?? nowEpochMs;
  const fromEpochMs = Math.max(begunAtEpochMs, nowEpochMs - LOOK_BACK_MS);
  const rows = await use.readGroqKeyUse(team, hourAt(fromEpochMs), hourAt(nowEpochMs));
  return renderRotationReport({ environmentName, key, old, rows, fromEpochMs, nowEpochMs });
}
