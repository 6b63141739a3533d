import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { pauseUpTo, RETRY_NOW } from '../../kernel/io/retry.ts';
import type { Period } from '../../kernel/period.ts';
import { explainFailedReserve, isLiftedByExpiry } from '../failed-reserve.ts';
import type { OrganizationLedger } from '../organization-ledger.ts';
import type { Pauses } from '../pause.ts';
import type { Budgets, CachedLedgerView, Ledger, LedgerKey, ReserveResult } from '../ports.ts';
import type { LedgerState, LedgerView, Reservation, ReserveTerms, Settlement } from '../reservation.ts';
import type { SweepableLedger, SweptLedger } from '../sweep.ts';
import { expireTopUps } from '../top-ups.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { LedgerExpiry } from './ledger-expiry.ts';
import { LedgerStore } from './ledger-store.ts';
import { OrganizationLeases } from './organization-leases.ts';
import { openKeyLedgerWrite } from './writes/key-ledger-writes.ts';
import { guessBucketStates } from './writes/rate-bucket.ts';
import { reserveWrite } from './writes/reserve-write.ts';
import { correctWrite, settleWrite } from './writes/settle-writes.ts';

/** Attempts of one reserve: open the period, guess a bucket's form again, expire, and a few races. */
const MAX_RESERVE_ATTEMPTS = 12;
/** Attempts of one reserve that draws a lease, because other calls of the team may take the money first. */
const MAX_DRAWING_ATTEMPTS = 100;
/** The longest pause before a second draw, in milliseconds. */
const DRAW_BACKOFF_MS = 20;

/** The ledger in DynamoDB: one conditional write to admit a call, one to end it. */
export class DynamoLedger implements Ledger, SweepableLedger {
  readonly #table: DynamoTable;
  readonly #store: LedgerStore;
  readonly #expiry: LedgerExpiry;
  readonly #leases: OrganizationLeases;
  /** A team draws one lease at a time: concurrent draws would each take a block, or the money that another has drawn. */
  readonly #draws = new KeyedQueue();
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, tableName: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, tableName, 'ledger');
    this.#store = new LedgerStore(this.#table, nowEpochMs);
    this.#expiry = new LedgerExpiry(this.#table, this.#store);
    this.#leases = new OrganizationLeases(this.#table, nowEpochMs);
    this.#nowEpochMs = nowEpochMs;
  }

  async reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult> {
    return await this.#reserve(key, budgets, terms, false);
  }

  /** Repeats the write until it succeeds or is refused. A team that needs a lease starts again in the queue of draws. */
  async #reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms, mayDraw: boolean): Promise<ReserveResult> {
    const { nowEpochMs } = terms;
    const { cache } = this.#store;
    const keyId = terms.key?.id;
    let bucketStates = guessBucketStates(cache.get(key)?.view, cache.getKeyLedger(key, keyId), nowEpochMs);
    let draws = 0;
    const attempts = mayDraw ? MAX_DRAWING_ATTEMPTS : MAX_RESERVE_ATTEMPTS;
    return await this.#table.retry(`reserve in the ledger of ${key.team}`, attempts, async () => {
      const outcome = await this.#store.write(key, reserveWrite(terms, bucketStates));
      if ('view' in outcome) {
        cache.rememberKeyLedger(key, terms, outcome.view);
        return { kind: 'reserved', view: outcome.view };
      }
      const { current } = outcome;
      if (current === undefined) {
        await this.#store.openPeriod(key, budgets.team);
        return RETRY_NOW;
      }
      const failure = explainFailedReserve(current, terms);
      switch (failure.kind) {
        case 'already reserved':
          return { kind: 'reserved', view: current };
        case 'stale guess':
          bucketStates = guessBucketStates(current, current.keys.get(keyId ?? ''), nowEpochMs);
          return RETRY_NOW;
        case 'top-ups ended':
          await this.#store.changeLimit(key, (state) => expireTopUps(state, nowEpochMs));
          return RETRY_NOW;
        case 'key not open':
          await this.#store.write(key, openKeyLedgerWrite(failure.key));
          return RETRY_NOW;
        case 'lease expired':
        case 'lease short': {
          if (!mayDraw)
            return await this.#draws.run(`${key.team} ${key.period}`, () => this.#reserve(key, budgets, terms, true));
          // Other calls took what was drawn: those are served now, so after a pause fewer compete.
          if (draws++ > 0) await pauseUpTo(DRAW_BACKOFF_MS);
          const exhausted =
            failure.kind === 'lease expired'
              ? await this.#leases.renew(key, current)
              : await this.#leases.draw(key, failure.shortfallPicoUsd, current, budgets, terms);
          return exhausted === undefined ? RETRY_NOW : { kind: 'refused', refused: exhausted, view: current };
        }
        case 'refused':
          if (isLiftedByExpiry(failure.refused) && (await this.#expiry.expireOverdue(key, current, nowEpochMs)) > 0)
            return RETRY_NOW;
          return { kind: 'refused', refused: failure.refused, view: current };
      }
    });
  }

  async settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerView> {
    const settled = await this.#store.write(key, settleWrite(terms, settlement, this.#nowEpochMs()));
    if ('view' in settled) return settled.view;
    if (settled.current?.lapsed.has(terms.reservation.id)) {
      const corrected = await this.#store.write(key, correctWrite(terms, settlement));
      if ('view' in corrected) return corrected.view;
    }
    // In neither map: an earlier attempt of this settlement succeeded, and its reply was lost.
    if (settled.current === undefined) throw this.#table.error(`settle in ${key.period}: ${key.team} has no ledger`);
    return settled.current;
  }

  lastSeen(key: LedgerKey): CachedLedgerView | undefined {
    return this.#store.cache.get(key);
  }

  async read(key: LedgerKey): Promise<LedgerState | undefined> {
    return await this.#store.read(key);
  }

  async readEventuallyConsistent(key: LedgerKey): Promise<LedgerState | undefined> {
    return await this.#store.read(key, false);
  }

  async readPauses(team: string): Promise<Pauses> {
    return await this.#store.readPauses(team);
  }

  async readOrganization(period: Period): Promise<OrganizationLedger | undefined> {
    return await this.#leases.read(period);
  }

  async sweep(key: LedgerKey, nowEpochMs: number): Promise<SweptLedger | undefined> {
    return await this.#expiry.sweep(key, nowEpochMs);
  }

  /** Expires reservations that no process can settle any more, before they are overdue. */
  async expire(key: LedgerKey, reservations: readonly Reservation[]): Promise<void> {
    await this.#expiry.expire(key, reservations);
  }

  async sweepCap(period: Period, nowEpochMs: number): Promise<void> {
    await this.#leases.changeLimit(period, (state) => expireTopUps(state, nowEpochMs));
  }
}
