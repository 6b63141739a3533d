/** The times of the events in a Groq key's life; absent for those that have not happened. */
export type GroqKeyTimestamps = {
  readonly stagedAtEpochMs?: number;
  /** When a rotation made it the pending key. */
  readonly createdAtEpochMs?: number;
  readonly testedAtEpochMs?: number;
  readonly currentFromEpochMs?: number;
  readonly replacedAtEpochMs?: number;
  /** When the previous key was made current again because Groq refused this one. */
  readonly returnedAtEpochMs?: number;
  /** When Groq refused it while it was staged or pending. */
  readonly refusedAtEpochMs?: number;
  readonly unstagedAtEpochMs?: number;
  /** When an operator revoked it. */
  readonly revokedAtEpochMs?: number;
  /** When it was removed from the secret after a day without use. */
  readonly retiredAtEpochMs?: number;
  /** When the upstream's API deleted it, or an operator confirmed that they had. */
  readonly deletedAtEpochMs?: number;
  readonly probedAtEpochMs?: number;
  /** When operators were last asked to do something about it. */
  readonly remindedAtEpochMs?: number;
  /** When operators were notified that it is current. */
  readonly toldAtEpochMs?: number;
};

/** The other facts about a Groq key; never the key itself. */
export type GroqKeyDetails = {
  /** The key's name in Groq's console. */
  readonly name?: string;
  readonly stagedBy?: string;
  /** The version of the team's secret that last held it. */
  readonly versionId?: string;
  /** The upstream's own id of the key, if its API created the key. */
  readonly upstreamId?: string;
  /** The id of the key that this one replaced. */
  readonly replaces?: string;
  /** The id of the key that replaced this one. */
  readonly replacedBy?: string;
};

/** The registry's record of a team's Groq key. */
export type GroqKeyRecord = GroqKeyTimestamps &
  GroqKeyDetails & {
    readonly team: string;
    readonly keyId: string;
    /** The number of times the key was tested against Groq. */
    readonly probes: number;
    /** The number of those tests in which Groq refused it. */
    readonly probesRefused: number;
  };

/** Changes to a record: null removes a fact, undefined leaves it as it is. */
export type GroqKeyRecordPatch = {
  readonly [F in keyof (GroqKeyTimestamps & GroqKeyDetails)]?:
    | (GroqKeyTimestamps & GroqKeyDetails)[F]
    | null
    | undefined;
};

/** The store of Groq key records. */
export interface GroqKeyRepository {
  read(team: string, keyId: string): Promise<GroqKeyRecord | undefined>;
  list(team: string): Promise<readonly GroqKeyRecord[]>;
  /** Overwrites facts. */
  update(team: string, keyId: string, facts: GroqKeyRecordPatch): Promise<void>;
  /** Writes only the facts that the record does not have yet. */
  setIfAbsent(team: string, keyId: string, facts: GroqKeyRecordPatch): Promise<void>;
  /** Counts one test of the key against Groq. */
  countProbe(team: string, keyId: string, isAccepted: boolean, atEpochMs: number): Promise<void>;
  /** Records the name of the key that a rotation is about to create. Returns what was recorded first for this token. */
  beginKeyCreation(
    team: string,
    token: string,
    name: string,
    atEpochMs: number,
  ): Promise<GroqKeyCreation & { readonly isRetry: boolean }>;
}

/** The creation of a key by the upstream's API. */
export type GroqKeyCreation = { readonly name: string; readonly atEpochMs: number };

/** The state of a Groq key. */
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

/** Returns the state of a key by the latest of its events. */
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

/** Returns true if the record says that the key is in use. */
export function isMarkedCurrent(key: GroqKeyTimestamps | undefined): boolean {
  return (
    key?.currentFromEpochMs !== undefined && key.replacedAtEpochMs === undefined && key.returnedAtEpochMs === undefined
  );
}

/** Removes the facts that are not true of a key that becomes current, whatever it was before. */
export const RESET_ON_PROMOTION = {
  replacedAtEpochMs: null,
  replacedBy: null,
  returnedAtEpochMs: null,
  refusedAtEpochMs: null,
  unstagedAtEpochMs: null,
  retiredAtEpochMs: null,
  deletedAtEpochMs: null,
  toldAtEpochMs: null,
} as const satisfies GroqKeyRecordPatch;

/** Removes all facts of a key's earlier life: an operator has set or staged it again. */
export const RESET_LIFECYCLE = {
  ...RESET_ON_PROMOTION,
  createdAtEpochMs: null,
  testedAtEpochMs: null,
  currentFromEpochMs: null,
  replaces: null,
  revokedAtEpochMs: null,
  remindedAtEpochMs: null,
} as const satisfies GroqKeyRecordPatch;

/** Returns a key's name and id for messages. */
export function groqKeyDisplayName({
  keyId,
  name,
}: {
  readonly keyId: string;
  readonly name?: string | undefined;
}): string {
  return name === undefined ? `the key without a name (id ${keyId})` : `${name} (id ${keyId})`;
}
