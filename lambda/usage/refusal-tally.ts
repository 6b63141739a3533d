import type { Clock, Log } from '../kernel/clock.ts';
import { type Day, dayAt } from '../kernel/period.ts';
import type { RefusalReason } from '../kernel/refusals.ts';

/** Where refusals are written down; a batch that is written again is the same one. */
export interface RefusalStore {
  write(batch: RefusalBatch): Promise<void>;
}

/** A request that the gateway itself refused. */
export type RefusedRequest = {
  readonly team: string;
  readonly keyId: string;
  /** The model that was asked for; empty for none, and for one that the catalog has not. */
  readonly model: string;
  readonly reason: RefusalReason;
};

/** What was refused to one key for one model on one day. */
export type RefusalRow = {
  readonly day: Day;
  readonly keyId: string;
  readonly model: string;
  /** How often, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
};

/** What one process has refused to one team since the batch before; its id names it for ever. */
export type RefusalBatch = { readonly id: string; readonly team: string; readonly rows: readonly RefusalRow[] };

/** What the tally needs of the world. */
export type RefusalTallyPorts = {
  readonly store: RefusalStore;
  readonly clock: Pick<Clock, 'nowEpochMs' | 'monotonicMs'>;
  /** A random id that nobody can foresee. */
  readonly newId: () => string;
  readonly log: Log;
};

/** How often a team's refusals are written at most, in milliseconds: a flood must not cost a write each. */
const WRITE_EVERY_MS = 1_000;
/** The most rows of a batch: with its mark they are one transaction, which has 100 items at most. */
const MAX_BATCH_ROWS = 50;
/** From how many rows of a team on what comes new is counted under no model. */
const MAX_MODEL_ROWS = 200;

type OpenRow = { readonly day: Day; readonly keyId: string; readonly model: string; refusals: Record<string, number> };

type TeamTally = {
  readonly open: Map<string, OpenRow>;
  /** Under their ids, until it is sure that they are written. */
  closed: RefusalBatch[];
  writtenAtMs: number;
  writing: Promise<void> | undefined;
};

/**
 * Counts in this process what the gateway refuses, and writes it in batches, since a refusal makes no write of its own. A
 * batch whose write failed is written again under its id before any other, so it counts once whatever became of the first.
 */
export class RefusalTally {
  readonly #ports: RefusalTallyPorts;
  readonly #teams = new Map<string, TeamTally>();

  constructor(ports: RefusalTallyPorts) {
    this.#ports = ports;
  }

  /** Counts one. */
  note({ team, keyId, model, reason }: RefusedRequest): void {
    const tally = this.#teams.get(team) ?? {
      open: new Map(),
      closed: [],
      writtenAtMs: -WRITE_EVERY_MS,
      writing: undefined,
    };
    this.#teams.set(team, tally);
    const day = dayAt(this.#ports.clock.nowEpochMs());
    const rowKey = (of: string) => JSON.stringify([day, keyId, of]);
    const counted = tally.open.size >= MAX_MODEL_ROWS && !tally.open.has(rowKey(model)) ? '' : model;
    const row = tally.open.get(rowKey(counted)) ?? { day, keyId, model: counted, refusals: {} };
    row.refusals[reason] = (row.refusals[reason] ?? 0) + 1;
    tally.open.set(rowKey(counted), row);
  }

  /** Writes what no write of the last second has told. Never throws: what cannot be written is kept for the next. */
  async flushDue(): Promise<void> {
    const nowMs = this.#ports.clock.monotonicMs();
    const due = [...this.#teams].filter(([, { writing, writtenAtMs }]) => {
      return writing === undefined && nowMs - writtenAtMs >= WRITE_EVERY_MS;
    });
    await Promise.all(due.map(([team, tally]) => this.#write(team, tally)));
  }

  /** Writes all there is, at a process's end. */
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
      // Those of a failed write first: while they wait, what is new gathers in rows that are there already.
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
