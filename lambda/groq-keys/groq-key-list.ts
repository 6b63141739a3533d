import { mapInBatches } from '../kernel/batches.ts';
import { formatUtc, hourAt, MS_PER_DAY } from '../kernel/period.ts';
import { addGroqKeyUse, type GroqKeyCounts, type GroqKeyUse, NO_GROQ_KEY_USE } from '../usage/groq-key-use.ts';
import type { GroqKeyUseReader } from '../usage/ports.ts';
import { type GroqKeyRecord, type GroqKeyRepository, groqKeyState } from './groq-key-record.ts';

/** The maximum number of teams read concurrently. */
const TEAM_CONCURRENCY = 8;

/** A Groq key with the counts of its calls in the last 24 hours, from the start of the first of those hours. */
export type GroqKeySummary = { readonly record: GroqKeyRecord; readonly lastDay: GroqKeyCounts };

/** Ports of the list of Groq keys. */
export type GroqKeyListPorts = {
  readonly records: Pick<GroqKeyRepository, 'list'>;
  readonly use: GroqKeyUseReader;
};

/** Lists the Groq keys of teams that have a record: any that was staged, rotated or watched. Each team's newest is first. */
export async function readGroqKeys(
  { records, use }: GroqKeyListPorts,
  teams: readonly string[],
  nowEpochMs: number,
): Promise<readonly GroqKeySummary[]> {
  const summaries = await mapInBatches(teams, TEAM_CONCURRENCY, async (team) => {
    const known = await records.list(team);
    if (known.length === 0) return [];
    const rows = await readLastDayUse(use, team, nowEpochMs);
    return known
      .toSorted((a, b) => startedAtEpochMs(b) - startedAtEpochMs(a))
      .map((record) => ({ record, lastDay: sumKeyUse(rows, record.keyId) }));
  });
  return summaries.flat();
}

/** Reads a team's calls by Groq key, from the start of the hour that was 24 hours ago. */
export async function readLastDayUse(
  use: GroqKeyUseReader,
  team: string,
  nowEpochMs: number,
): Promise<readonly GroqKeyUse[]> {
  return await use.readGroqKeyUse(team, hourAt(nowEpochMs - MS_PER_DAY), hourAt(nowEpochMs));
}

/** Sums the calls with one key. */
export function sumKeyUse(rows: readonly GroqKeyUse[], keyId: string): GroqKeyCounts {
  return rows.filter((row) => row.keyId === keyId).reduce(addGroqKeyUse, NO_GROQ_KEY_USE);
}

/** Returns a key in the shape of `GET /openai/v1/groq-keys`. */
export function describeGroqKey({ record, lastDay }: GroqKeySummary): object {
  const at = (epochMs: number | undefined) => (epochMs === undefined ? null : formatUtc(epochMs));
  return {
    object: 'groq_key',
    team: record.team,
    key_id: record.keyId,
    name: record.name ?? null,
    state: groqKeyState(record),
    staged_at: at(record.stagedAtEpochMs),
    staged_by: record.stagedBy ?? null,
    created_at: at(record.createdAtEpochMs ?? record.stagedAtEpochMs),
    current_from: at(record.currentFromEpochMs),
    replaced_at: at(record.replacedAtEpochMs),
    retired_at: at(record.retiredAtEpochMs),
    requests_24h: lastDay.requests,
    refused_24h: lastDay.refused,
    failed_24h: lastDay.failed,
  };
}

function startedAtEpochMs({ createdAtEpochMs, currentFromEpochMs, stagedAtEpochMs }: GroqKeyRecord): number {
  return currentFromEpochMs ?? createdAtEpochMs ?? stagedAtEpochMs ?? 0;
}
