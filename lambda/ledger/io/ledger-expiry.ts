import type { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { RETRY_NOW } from '../../kernel/io/retry.ts';
import type { LedgerKey } from '../ports.ts';
import type { LedgerState, Reservation } from '../reservation.ts';
import { purgeableReservations } from '../settle.ts';
import type { SweptLedger } from '../sweep.ts';
import { expireTopUps } from '../top-ups.ts';
import type { LedgerStore } from './ledger-store.ts';
import { expireWrite, purgeLapsedWrite } from './writes/expiry-writes.ts';

/** The maximum number of lapsed reservations that one write purges. */
const MAX_PURGED_PER_WRITE = 50;
/** The maximum number of reservations that one write expires: some 70 bytes each of the 4 KB of an expression. */
const MAX_EXPIRED_PER_WRITE = 40;
/** Attempts at one expiring write; each settlement between the read and the write costs one. */
const MAX_ATTEMPTS = 100;

/** Expires what has ended in a team's ledger: reservations, top-ups, and lapsed reservations too old to correct. */
export class LedgerExpiry {
  readonly #table: DynamoTable;
  readonly #store: LedgerStore;

  constructor(table: DynamoTable, store: LedgerStore) {
    this.#table = table;
    this.#store = store;
  }

  /** Sweeps one ledger; undefined for a period that is not open. */
  async sweep(key: LedgerKey, nowEpochMs: number): Promise<SweptLedger | undefined> {
    const state = await this.#store.read(key);
    if (state === undefined) return undefined;
    if (expireTopUps(state, nowEpochMs) !== state)
      await this.#store.changeLimit(key, (current) => expireTopUps(current, nowEpochMs));
    await this.#store.repairTeamControls(key, state);
    const expired = await this.expireOverdue(key, state, nowEpochMs);
    // Purges even if nothing expired, because every write of the month pays for the size of the item.
    const purgedIds = purgeableReservations(state, nowEpochMs).map(({ id }) => id);
    for (let start = 0; start < purgedIds.length; start += MAX_PURGED_PER_WRITE)
      await this.#store.write(key, purgeLapsedWrite(purgedIds.slice(start, start + MAX_PURGED_PER_WRITE)));
    const isChanged = expired > 0 || purgedIds.length > 0;
    return { expired, state: isChanged ? ((await this.#store.read(key)) ?? state) : state };
  }

  /** Expires a ledger's overdue reservations and charges their maximum cost; returns their number. */
  async expireOverdue(key: LedgerKey, state: LedgerState, nowEpochMs: number): Promise<number> {
    const overdue = [...state.open.values()].filter(({ expiresAtEpochMs }) => expiresAtEpochMs <= nowEpochMs);
    // A reservation that is open again lapses in this write, and one write can name a path only once.
    const purgeable = purgeableReservations(state, nowEpochMs).filter(({ id }) => !state.open.has(id));
    const purgedIds = purgeable.slice(0, MAX_PURGED_PER_WRITE).map(({ id }) => id);
    await this.expire(key, overdue, purgedIds);
    return overdue.length;
  }

  /** Expires reservations and charges their maximum cost, except those that have been settled since they were read. */
  async expire(key: LedgerKey, reservations: readonly Reservation[], purgedIds: readonly string[] = []): Promise<void> {
    for (let start = 0; start < reservations.length; start += MAX_EXPIRED_PER_WRITE) {
      const batch = reservations.slice(start, start + MAX_EXPIRED_PER_WRITE);
      await this.#expireBatch(key, batch, start === 0 ? purgedIds : []);
    }
  }

  async #expireBatch(key: LedgerKey, batch: readonly Reservation[], purgedIds: readonly string[]): Promise<void> {
    let left = batch;
    await this.#table.retry(`expire reservations of ${key.team}`, MAX_ATTEMPTS, async () => {
      const outcome = await this.#store.write(key, expireWrite(left, purgedIds));
      this.#store.cache.forget(key);
      if ('view' in outcome) return true;
      const open = outcome.current?.open;
      left = left.filter(({ id }) => open?.has(id));
      return left.length === 0 ? true : RETRY_NOW;
    });
  }
}
