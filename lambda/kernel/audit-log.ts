/** One administrative act: who did what to what, when. */
export type AuditEntry = {
  readonly atEpochMs: number;
  /** Nobody else's to choose, since an entry of the same time and id is taken for this one told twice. */
  readonly id: string;
  /** Of the request, as its caller knows it, which may have chosen it. */
  readonly requestId?: string;
  /** A key's id, or the ARN of who deployed. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  /** Before and after, for people; Markdown. */
  readonly details: string;
  /** Whose affair it is, where it is one team's. */
  readonly team?: string;
  /** Where the request came from: an address, or `cli`. */
  readonly source?: string;
};

/** The trail of administrative acts. Entries are only ever added. */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
}
