/** What may happen to a team's Groq keys that somebody must hear of. */
export type GroqKeyEventKind =
  | 'promoted'
  | 'returned'
  | 'retired'
  | 'revoked'
  | 'staged_key_refused'
  | 'staged_key_missing'
  | 'pending_label_removed'
  | 'deletion_requested';

/** One piece of news of a team's Groq keys: ids and names, never a key. */
export type GroqKeyEvent = {
  readonly kind: GroqKeyEventKind;
  readonly team: string;
  readonly atEpochMs: number;
  readonly keyId: string;
  readonly keyName: string;
  /** The other key that it is about: whose place was taken, or who takes it. */
  readonly otherKeyId?: string;
  /** Where the report of the rotation is. */
  readonly report?: string;
  /** What people are told, a line each. */
  readonly lines: readonly string[];
};

/** Who carries news to the operators, and to whoever listens. */
export interface GroqKeyNotifier {
  notify(news: GroqKeyEvent): Promise<void>;
  /** Keeps a report, in place of its last edition; returns where it is. */
  saveReport(path: string, markdown: string): Promise<string>;
}
