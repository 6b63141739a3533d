import type { Clock, Log } from '../kernel/clock.ts';
import { type Day, dayAt } from '../kernel/period.ts';
import type { RefusalReason } from '../kernel/refusals.ts';

/** Store of refusals. Writing a batch again is idempotent. */
export interface RefusalStore {
  write(batch: RefusalBatch): Promise<void>;
}

/** A request that the gateway refused itself. */
export type RefusedRequest = {
  readonly team: string;
  readonly keyId: string;
  /** The requested model; empty if there was none, or one that is not in the catalog. */
  readonly model: string;
  readonly reason: RefusalReason;
};

/** Refusals of one key, model and day. */
export type RefusalRow = {
  readonly day: Day;
  readonly keyId: string;
  readonly model: string;
  /** Counts by reason. */
  readonly refusals: Readonly<Record<string, number>>;
};

/** Refusals of one process and team since the previous batch, under a permanent id. */
export type RefusalBatch = { readonly id: string; readonly team: string; readonly rows: readonly RefusalRow[] };

/** Dependencies of the tally. */
export type RefusalTallyPorts = {
  readonly store: RefusalStore;
  readonly clock: Pick<Clock, 'nowEpochMs' | 'monotonicMs'>;
  /** Creates an unpredictable id. */
  readonly newId: () => string;
  readonly log: Log;
};

/** Minimum time between writes for a team, in milliseconds, so that a flood of refusals does not cause a flood of writes. */
const WRITE_INTERVAL_MS = 1_000;
/** Maximum rows of a batch. With its marker, it must fit into one transaction of 100 items. */
const MAX_BATCH_ROWS = 50;
/** Number of a team's rows from which new ones are counted without their model, which bounds memory. */
const MAX_MODEL_ROWS = 200;

type OpenRow = { readonly day: Day; readonly keyId: string; readonly model: string; refusals: Record<string, number> };

type TeamTally = {
  readonly open: Map<string, OpenRow>;
  /** Batches that have an id and are not yet known to be written. */
  closed: RefusalBatch[];
  writtenAtMs: number;
  writing: Promise<void> | undefined;
};

/**
 * Counts the refusals of this process in memory and writes them in batches, so that a refusal costs no write of its own. A
 * batch whose write failed is retried under the same id before any other, so it counts once, whatever the first outcome.
 */
export class RefusalTally {
  readonly #ports: RefusalTallyPorts;
  readonly #teams = new Map<string, TeamTally>();

  constructor(ports: RefusalTallyPorts) {
    this.#ports = ports;
  }

  /** Counts a refusal. */
  note({ team, keyId, model, reason }: RefusedRequest): void {
    const tally = this.#teams.get(team) ?? {
      open: new Map(),
      closed: [],
      writtenAtMs: -WRITE_INTERVAL_MS,
      writing: undefined,
    };
    this.#teams.set(team, tally);
    const day = dayAt(this.#ports.clock.nowEpochMs());
    const rowKey = (rowModel: string) => JSON.stringify([day, keyId, rowModel]);
    const rowModel = tally.open.size >= MAX_MODEL_ROWS && !tally.open.has(rowKey(model)) ? '' : model;
    const row = tally.open.get(rowKey(rowModel)) ?? { day, keyId, model: rowModel, refusals: {} };
    row.refusals[reason] = (row.refusals[reason] ?? 0) + 1;
    tally.open.set(rowKey(rowModel), row);
  }

  /** Writes the refusals of teams without a write in the last second. Never throws: what fails is kept for the next flush. */
  async flushDue(): Promise<void> {
    const nowMs = this.#ports.clock.monotonicMs();
    const due = [...this.#teams].filter(([, { writing, writtenAtMs }]) => {
      return writing === undefined && nowMs - writtenAtMs >= WRITE_INTERVAL_MS;
    });
    await Promise.all(due.map(([team, tally]) => this.#write(team, tally)));
  }

  /** Writes everything before the process ends. */
  async flushAll(): Promise<void> {
    for (const [team, tally] of this.#teams) {
      await tally.writing;
      await this.#write(team, tally);
    }
  }

  async #write(team: string, tally: TeamTally): Promise<void> {
    if (tally.closed.length === 0 && tally.open.size === 0) return;
    tally.writtenAtMs = this.#ports.clock.monotonicMs();
    tally.writing = this.#writeBatches(team, tally);
    await tally.writing;
    tally.writing = undefined;
  }

  async #writeBatches(team: string, tally: TeamTally): Promise<void> {
    try {
      // Retries come first: until they succeed, new refusals accumulate in existing rows instead of new batches.
      await this.#writeClosed(tally);
      const rows = [...tally.open.values()];
      tally.open.clear();
      for (let start = 0; start < rows.length; start += MAX_BATCH_ROWS)
        tally.closed.push({ id: this.#ports.newId(), team, rows: rows.slice(start, start + MAX_BATCH_ROWS) });
      await this.#writeClosed(tally);
    } catch (error) {
      this.#ports.log('refusals_write_failed', { team, error: error instanceof Error ? error.name : 'unknown' });
    }
  }

  async #writeClosed(tally: TeamTally): Promise<void> {
    for (let first = tally.closed[0]; first !== undefined; first = tally.closed[0]) {
      await this.#ports.store.write(first);
      tally.closed = tally.closed.slice(1);
    }
  }
}
