import { DatabaseSync } from 'node:sqlite';

/** How long a trim waits for the database's own writes, in milliseconds; what is busy is trimmed at the next. */
const BUSY_TIMEOUT_MS = 50;
/** How long the index waits for them, in milliseconds: it is made once. */
const INDEX_TIMEOUT_MS = 10_000;
/** How often is trimmed at most, in milliseconds. */
const TRIM_INTERVAL_MS = 500;

/**
 * Keeps the embedded database's streams as DynamoDB has them: quick to write, and gone once they have been read. dynoxide
 * looks through all records for the newest at each write, which an index spares it, and keeps them for ever. It is dynoxide's
 * own table, so tests notice when a new version has another, or asks in another way.
 */
export class StreamTrimmer {
  readonly #database: DatabaseSync;
  readonly #table: string;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** The database may be running: SQLite's log lets two processes write in turn. */
  constructor(file: string, table: string) {
    this.#database = new DatabaseSync(file, { timeout: INDEX_TIMEOUT_MS });
    this.#database.exec(
      'CREATE INDEX IF NOT EXISTS stream_records_by_number ON _stream_records (table_name, CAST(sequence_number AS INTEGER))',
    );
    this.#database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    this.#table = table;
  }

  /** Forgets all before a record, which itself stays: numbers go on from it. Does nothing when it is not time yet. */
  deleteBefore(sequenceNumber: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < TRIM_INTERVAL_MS) return;
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
