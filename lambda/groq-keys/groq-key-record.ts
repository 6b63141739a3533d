/** When things happened to a Groq key, in epoch milliseconds; what has not happened is absent. */
export type GroqKeyTimestamps = {
  readonly stagedAtEpochMs?: number;
  /** When a rotation took it as the pending one. */
  readonly createdAtEpochMs?: number;
  readonly testedAtEpochMs?: number;
  readonly currentFromEpochMs?: number;
  readonly replacedAtEpochMs?: number;
  /** When the key before it was made current again, since Groq refused this one. */
  readonly returnedAtEpochMs?: number;
  /** When Groq refused it before it was ever current. */
  readonly refusedAtEpochMs?: number;
  readonly unstagedAtEpochMs?: number;
  /** When an operator switched it off. */
  readonly revokedAtEpochMs?: number;
  /** When it was found unused for a day, and no gateway was given it any more. */
  readonly retiredAtEpochMs?: number;
  /** When it was deleted at Groq, as the API did it or as an operator says. */
  readonly deletedAtEpochMs?: number;
  readonly probedAtEpochMs?: number;
  /** When operators were last told that something of it is theirs to do. */
  readonly remindedAtEpochMs?: number;
  /** When operators were told that it is current. */
  readonly toldAtEpochMs?: number;
};

/** What is known of a Groq key in words; never the key. */
export type GroqKeyDetails = {
  /** As it is called in Groq's console. */
  readonly name?: string;
  readonly stagedBy?: string;
  /** The version of the team's secret that last held it. */
  readonly versionId?: string;
  /** What upstream calls it, where it was made by upstream's API. */
  readonly upstreamId?: string;
  /** The id of the key whose place it took, and of the one that took its place. */
  readonly replaces?: string;
  readonly replacedBy?: string;
};

/** A team's Groq key, as the registry remembers it. */
export type GroqKeyRecord = GroqKeyTimestamps &
  GroqKeyDetails & {
    readonly team: string;
    readonly keyId: string;
    /** How often Groq was asked whether it takes the key, and how often it did not. */
    readonly probes: number;
    readonly probesRefused: number;
  };

/** Facts to remember; null forgets one. */
export type GroqKeyRecordPatch = {
  readonly [F in keyof (GroqKeyTimestamps & GroqKeyDetails)]?: (GroqKeyTimestamps & GroqKeyDetails)[F] | null;
};

/** Where the records of Groq keys are kept. */
export interface GroqKeyRepository {
  read(team: string, keyId: string): Promise<GroqKeyRecord | undefined>;
  list(team: string): Promise<readonly GroqKeyRecord[]>;
  /** Remembers facts, in place of what was known. */
  update(team: string, keyId: string, facts: GroqKeyRecordPatch): Promise<void>;
  /** Remembers those of the facts of which nothing was known. */
  setIfAbsent(team: string, keyId: string, facts: GroqKeyRecordPatch): Promise<void>;
  /** Counts one question whether Groq takes the key. */
  countProbe(team: string, keyId: string, isAccepted: boolean, atEpochMs: number): Promise<void>;
  /** Remembers by which name a rotation makes its key, before it does; returns what was remembered first. */
  beginKeyCreation(
    team: string,
    token: string,
    name: string,
    atEpochMs: number,
  ): Promise<GroqKeyCreation & { readonly isRetry: boolean }>;
}

/** A key that a rotation makes by upstream's API. */
export type GroqKeyCreation = { readonly name: string; readonly atEpochMs: number };

/** How a Groq key stands. */
export type GroqKeyState =
  | 'staged'
  | 'pending'
  | 'current'
  | 'replaced'
  | 'returned'
  | 'refused'
  | 'unstaged'
  | 'revoked'
  | 'retired'
  | 'deleted';

/** How a key stands, by the last that happened to it. */
export function groqKeyState(key: GroqKeyTimestamps): GroqKeyState {
  if (key.deletedAtEpochMs !== undefined) return 'deleted';
  if (key.revokedAtEpochMs !== undefined) return 'revoked';
  if (key.retiredAtEpochMs !== undefined) return 'retired';
  if (key.returnedAtEpochMs !== undefined) return 'returned';
  if (key.refusedAtEpochMs !== undefined) return 'refused';
  if (key.unstagedAtEpochMs !== undefined) return 'unstaged';
  if (key.replacedAtEpochMs !== undefined) return 'replaced';
  if (key.currentFromEpochMs !== undefined) return 'current';
  return key.createdAtEpochMs === undefined ? 'staged' : 'pending';
}

/** Forgets every end of a key: it begins anew. */
export const RESET_LIFECYCLE = {
  createdAtEpochMs: null,
  testedAtEpochMs: null,
  currentFromEpochMs: null,
  replacedAtEpochMs: null,
  replacedBy: null,
  replaces: null,
  returnedAtEpochMs: null,
  refusedAtEpochMs: null,
  unstagedAtEpochMs: null,
  revokedAtEpochMs: null,
  retiredAtEpochMs: null,
  deletedAtEpochMs: null,
  remindedAtEpochMs: null,
  toldAtEpochMs: null,
} as const satisfies GroqKeyRecordPatch;

/** What people call a key. */
export function groqKeyDisplayName({
  keyId,
  name,
}: {
  readonly keyId: string;
  readonly name?: string | undefined;
}): string {
  return name === undefined ? `the key without a name (id ${keyId})` : `${name} (id ${keyId})`;
}
