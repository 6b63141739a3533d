import { DatabaseSync } from 'node:sqlite';

/** Lock timeout of a trim, in milliseconds. If the database is busy, the next trim deletes the records. */
const BUSY_TIMEOUT_MS = 50;
/** Lock timeout of creating the index, in milliseconds. */
const INDEX_TIMEOUT_MS = 10_000;
/** Shortest time between two trims, in milliseconds. */
const TRIM_INTERVAL_MS = 500;

/**
 * Keeps the stream of an embedded database short and fast. At each write, dynoxide scans all stream records for the newest
 * one, and it never deletes any; an index avoids the scan, and trims delete the records that have been processed. This
 * touches a private table of dynoxide, so tests fail if a new version changes its schema or queries.
 */
export class StreamTrimmer {
  readonly #database: DatabaseSync;
  readonly #table: string;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Opens the file of a running database: SQLite's write-ahead log lets two processes write in turn. */
  constructor(file: string, table: string) {
    this.#database = new DatabaseSync(file, { timeout: INDEX_TIMEOUT_MS });
    this.#database.exec(
      'CREATE INDEX IF NOT EXISTS stream_records_by_number ON _stream_records (table_name, CAST(sequence_number AS INTEGER))',
    );
    this.#database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    this.#table = table;
  }

  /** Deletes all records before one, at most every TRIM_INTERVAL_MS. That one stays, because numbers continue from it. */
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
