import { parseObject } from '../kernel/json/json-object.ts';
import { dayStartEpochMs, formatUtc } from '../kernel/period.ts';
import type { VersionLabels } from '../secrets/secret-versions.ts';

/** The maximum length of a team's queue: a secret has 20 labels at most (Secrets Manager quotas, read 2026-11-25). */
export const MAX_STAGED_KEYS = 8;

/** A Groq key, as stored in a version of a team's secret. */
export type GroqKey = {
  readonly apiKey: string;
  /** The first 12 hex digits of the key's SHA-256: the same wherever it is computed, and useless for guessing the key. */
  readonly keyId: string;
  /** Undefined for a key that a person wrote into the secret. */
  readonly name?: string;
  /** In ISO 8601, UTC. */
  readonly createdAt?: string;
  /** The upstream's own id of the key, if its API created the key. */
  readonly upstreamId?: string;
};

/** A key in a team's queue. */
export type StagedKey = {
  readonly label: string;
  readonly versionId: string;
  readonly keyId: string;
  readonly stagedAtEpochMs: number;
};

const STAGED = /^STAGED-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(\d{3})Z-([0-9a-f]{12})$/;

/** The label of a staged key, such as `STAGED-20261125T130405123Z-0f1e2d3c4b5a`. Labels sort in the order of the queue. */
export function stagedLabel(atEpochMs: number, keyId: string): string {
  const time = formatUtc(atEpochMs).replace(/[-:Z]/g, '');
  return `STAGED-${time}${String(Math.floor(atEpochMs) % 1000).padStart(3, '0')}Z-${keyId}`;
}

/** Parses a staged key's label; undefined for any other label. */
export function parseStagedLabel(label: string): Pick<StagedKey, 'keyId' | 'stagedAtEpochMs'> | undefined {
  const [, year, month, date, hours, minutes, seconds, ms, keyId] = STAGED.exec(label) ?? [];
  const day = dayStartEpochMs(`${year}-${month}-${date}`);
  if (keyId === undefined || day === undefined) return undefined;
  const clockS = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return { keyId, stagedAtEpochMs: day + clockS * 1000 + Number(ms) };
}

/** The queue of staged keys, next one first. */
export function stagedQueue(versions: VersionLabels): readonly StagedKey[] {
  const staged: StagedKey[] = [];
  for (const [versionId, labels] of versions)
    for (const label of labels) {
      const parsed = parseStagedLabel(label);
      if (parsed !== undefined) staged.push({ label, versionId, ...parsed });
    }
  return staged.sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** True for a key that can stand in a request's header: visible ASCII without spaces, as Groq's keys are. */
export function isSendableKey(apiKey: string): boolean {
  return /^[\x21-\x7e]{1,512}$/.test(apiKey);
}

/**
 * Parses the value of a version: `{"apiKey", "keyId", "name", "createdAt"}`, or a bare `{"apiKey"}` that a person wrote.
 * The id is always derived from the key; the one in the text is ignored. Undefined for a text without a key, or with one
 * that cannot be sent.
 */
export function parseGroqKey(text: string | undefined, deriveKeyId: (apiKey: string) => string): GroqKey | undefined {
  const { apiKey, name, createdAt, upstreamId } = parseObject(text ?? '') ?? {};
  if (typeof apiKey !== 'string' || !isSendableKey(apiKey)) return undefined;
  return {
    apiKey,
    keyId: deriveKeyId(apiKey),
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof createdAt === 'string' ? { createdAt } : {}),
    ...(typeof upstreamId === 'string' ? { upstreamId } : {}),
  };
}
