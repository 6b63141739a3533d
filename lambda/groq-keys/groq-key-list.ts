import { mapInBatches } from '../kernel/batches.ts';
import { formatUtc, hourAt, MS_PER_DAY } from '../kernel/period.ts';
import { addGroqKeyUse, type GroqKeyCounts, NO_GROQ_KEY_USE } from '../usage/groq-key-use.ts';
import type { GroqKeyUseReader } from '../usage/ports.ts';
import { type GroqKeyRecord, type GroqKeyRepository, groqKeyState } from './groq-key-record.ts';

/** How many teams are read at once. */
const TEAM_CONCURRENCY = 8;

/** A Groq key, and what became of its calls of the last day, to the hour. */
export type GroqKeySummary = { readonly record: GroqKeyRecord; readonly lastDay: GroqKeyCounts };

/** Where it is known how Groq keys stand. */
export type GroqKeyListPorts = {
  readonly records: Pick<GroqKeyRepository, 'list'>;
  readonly use: GroqKeyUseReader;
};

/** The Groq keys of teams, as far as anyone staged, rotated or watched them; each team's newest first. */
export async function readGroqKeys(
  { records, use }: GroqKeyListPorts,
  teams: readonly string[],
  nowEpochMs: number,
): Promise<readonly GroqKeySummary[]> {
  const found = await mapInBatches(teams, TEAM_CONCURRENCY, async (team) => {
    const known = await records.list(team);
    // Nobody's calls are read where there is nothing to tell of them.
    const rows =
      known.length === 0 ? [] : await use.readGroqKeyUse(team, hourAt(nowEpochMs - MS_PER_DAY), hourAt(nowEpochMs));
    return known
      .toSorted((a, b) => startedAtEpochMs(b) - startedAtEpochMs(a))
      .map((record) => ({
        record,
        lastDay: rows.filter(({ keyId }) => keyId === record.keyId).reduce(addGroqKeyUse, NO_GROQ_KEY_USE),
      }));
  });
  return found.flat();
}

/** A key as `GET /openai/v1/groq-keys` tells it. */
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
