/** The changes of a team's Groq keys that operators are notified of. */
export type GroqKeyEventKind =
  | 'promoted'
  | 'returned'
  | 'retired'
  | 'revoked'
  | 'staged_key_refused'
  | 'staged_key_missing'
  | 'pending_label_removed'
  | 'deletion_requested';

/** One change of a team's Groq keys. It has ids and names, never a key. */
export type GroqKeyEvent = {
  readonly kind: GroqKeyEventKind;
  readonly team: string;
  readonly atEpochMs: number;
  readonly keyId: string;
  readonly keyName: string;
  /** The id of the key that was replaced, or of the one that replaces this one. */
  readonly otherKeyId?: string | undefined;
  /** The location of the rotation's report. */
  readonly report?: string | undefined;
  /** The lines of the message to operators. */
  readonly lines: readonly string[];
};

/** Delivers events to operators and to event rules, and stores reports. */
export interface GroqKeyNotifier {
  notify(event: GroqKeyEvent): Promise<void>;
  /** Stores a report, overwriting its last edition. Returns its location. */
  saveReport(path: string, markdown: string): Promise<string>;
}

/** Notifies operators of a change of one key. */
export async function notifyOperators(
  { notifier, nowEpochMs }: { readonly notifier: GroqKeyNotifier; readonly nowEpochMs: number },
  kind: GroqKeyEventKind,
  team: string,
  { keyId, name = '' }: { readonly keyId: string; readonly name?: string | undefined },
  event: Pick<GroqKeyEvent, 'lines' | 'otherKeyId' | 'report'>,
): Promise<void> {
  await notifier.notify({ kind, team, atEpochMs: nowEpochMs, keyId, keyName: name, ...event });
}
