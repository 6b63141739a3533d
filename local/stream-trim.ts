import { DatabaseSync } from 'node:sqlite';

/** How long a trim waits for the database's own writes, in milliseconds; what is busy is trimmed at the next. */
const BUSY_MS = 50;
/** How often is trimmed at most, in milliseconds. */
const TRIM_EVERY_MS = 500;

/**
 * Takes the records of a stream that have been read out of the embedded database's file. dynoxide keeps them for ever, and
 * looks through all of them at each write of their table; DynamoDB forgets them within a day. It is dynoxide's own table, so
 * a test notices when a new version has another.
 */
export class StreamTrim {
  readonly #database: DatabaseSync;
  readonly #table: string;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** The database may be running: SQLite's log lets two processes write in turn. */
  constructor(file: string, table: string) {
    this.#database = new DatabaseSync(file, { timeout: BUSY_MS });
    this.#table = table;
  }

  /** Forgets all before a record, which itself stays: numbers go on from it. Does nothing when it is not time yet. */
  forgetBefore(sequenceNumber: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < TRIM_EVERY_MS) return;
    this.#lastMs = nowMs;
    try {
      this.#database
        .prepare('DELETE FROM _stream_records WHERE table_name = ? AND CAST(sequence_number AS INTEGER) < ?')
        .run(this.#table, Number(sequenceNumber));
    } catch (error) {
      if (!(error instanceof Error && /locked|busy/i.test(error.message))) throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}
