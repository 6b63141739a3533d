import { type Hour, hourAt } from '../kernel/period.ts';
import type { LedgerEnd } from '../ledger/reservation-end.ts';

/** Outcomes of calls by the Groq key that they were sent with. */
export type GroqKeyCounts = {
  /** Calls that Groq accepted, or may have accepted, with this key. */
  readonly requests: number;
  /** Rejections of the key by Groq (401). Most such calls succeeded with another key. */
  readonly refused: number;
  /** Calls that failed because Groq rejected every key, counted for the last one tried. */
  readonly failed: number;
};

/** An hour's calls with one Groq key of a team. */
export type GroqKeyUse = GroqKeyCounts & { readonly keyId: string; readonly hour: Hour };

/** An hour's calls with one Groq key, with its team. */
export type TeamGroqKeyUse = GroqKeyUse & { readonly team: string };

/** No calls. */
export const NO_GROQ_KEY_USE: GroqKeyCounts = { requests: 0, refused: 0, failed: 0 };

/** Adds two counts. */
export function addGroqKeyUse(a: GroqKeyCounts, b: GroqKeyCounts): GroqKeyCounts {
  return { requests: a.requests + b.requests, refused: a.refused + b.refused, failed: a.failed + b.failed };
}

/** Folds ends into one row per team, hour and Groq key. An expiry has no key, but a later correction of it has. */
export function foldGroqKeyUse(ends: readonly LedgerEnd[]): readonly TeamGroqKeyUse[] {
  const rows = new Map<string, TeamGroqKeyUse>();
  for (const entry of ends) {
    for (const row of toRows(entry)) {
      const name = JSON.stringify([row.team, row.hour, row.keyId]);
      rows.set(name, { ...row, ...addGroqKeyUse(rows.get(name) ?? NO_GROQ_KEY_USE, row) });
    }
  }
  return [...rows.values()];
}

/** The maximum number of rows that an end adds to. */
export function countGroqKeyRows({ end }: LedgerEnd): number {
  const { usedId, refusedIds } = end.trace.groqKeys;
  return refusedIds.length + (usedId === undefined ? 0 : 1);
}

function toRows({ ledger: { team }, end }: LedgerEnd): readonly TeamGroqKeyUse[] {
  const { usedId, refusedIds } = end.trace.groqKeys;
  const row = { team, hour: hourAt(end.atEpochMs) };
  const refused = refusedIds.map((keyId, index) => {
    const hasFailed = usedId === undefined && index === refusedIds.length - 1;
    return { ...row, keyId, requests: 0, refused: 1, failed: hasFailed ? 1 : 0 };
  });
  return usedId === undefined ? refused : [...refused, { ...row, keyId: usedId, requests: 1, refused: 0, failed: 0 }];
}
