import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import { pauseUpTo } from '../../kernel/io/retry.ts';
import { addUsd } from '../../kernel/money.ts';
import type { Period } from '../../kernel/period.ts';
import { StoreError } from '../../kernel/store-error.ts';
import type { KeyLedger } from '../key-ledger.ts';
import { purgeableReservations, reserve } from '../ledger.ts';
import type { OrganizationLedger } from '../organization-ledger.ts';
import type { Pauses } from '../pause.ts';
import type { Budgets, CachedLedgerView, Ledger, LedgerKey, ReserveResult } from '../ports.ts';
import type { LedgerState, LedgerView, Reservation, ReserveTerms, Settlement } from '../reservation.ts';
import { expireTopUps } from '../top-ups.ts';
import { expireWrite, purgeLapsedWrite } from './expiry-writes.ts';
import { parseUpdatedView } from './ledger-item.ts';
import { LedgerStore } from './ledger-store.ts';
import { correctWrite, guessBucketStates, openKeyLedgerWrite, reserveWrite, settleWrite } from './ledger-writes.ts';
import { OrganizationLeases } from './organization-leases.ts';
import type { LedgerWrite } from './update-expressions.ts';

/** The most round trips one reserve makes: create the period, guess a bucket's form again, expire, and a few races. */
const MAX_RESERVE_TRIES = 12;
/** The most that one makes that draws: what it has drawn, other calls of its team may take first, again and again. */
const MAX_DRAWING_TRIES = 100;
/** How long a draw that others were quicker than waits, in milliseconds, at most and at first. */
const CONFLICT_BACKOFF_MS = 20;
/** How many lapsed reservations one write forgets at most. */
const MAX_PURGED_PER_WRITE = 50;
/** How many reservations one write expires at most: some 70 bytes each of the 4 KB that an expression may have. */
const MAX_EXPIRED_PER_WRITE = 40;
/** How many writes one sweep of a ledger makes at most; each settlement between a read and its write costs one more. */
const MAX_EXPIRE_TRIES = 100;
/** How many ledgers a process remembers the last sight of. */
const MAX_CACHED_LEDGERS = 1_000;

/** The ledger in DynamoDB: one conditional write to admit a call, one to end it. */
export class DynamoLedger implements Ledger {
  readonly #store: LedgerStore;
  readonly #nowEpochMs: () => number;
  readonly #seen = new Map<string, CachedLedgerView>();
  readonly #cachedKeyLedgers = new Map<string, KeyLedger>();
  readonly #leases: OrganizationLeases;
  /** The last draw of each ledger in this process: the next waits for it, since it may find what that one drew. */
  readonly #drawing = new Map<string, Promise<unknown>>();

  constructor(client: DynamoDBClient, tableName: string, nowEpochMs: () => number) {
    const table = new DynamoTable(client, tableName, 'ledger');
    this.#store = new LedgerStore(table, nowEpochMs);
    this.#nowEpochMs = nowEpochMs;
    this.#leases = new OrganizationLeases(table, nowEpochMs);
  }

  async reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult> {
    const result = await this.#reserve(key, budgets, terms, false);
    if (result !== 'short') return result;
    // One at a time, or a crowd would draw a block each, or take from one another what each has drawn.
    const name = ledgerCacheKey(key);
    const before = this.#drawing.get(name) ?? Promise.resolve();
    const mine = before.then(() => this.#reserve(key, budgets, terms, true));
    const settled = mine.catch(() => undefined);
    this.#drawing.set(name, settled);
    const drawn = await mine.finally(() => {
      if (this.#drawing.get(name) === settled) this.#drawing.delete(name);
    });
    if (drawn === 'short') throw new StoreError('ledger', `the ledger of ${key.team} found no lease it could keep`);
    return drawn;
  }

  /** Reserves; a team that lacks money of the organisation's draws it, or is told so where it may not. */
  async #reserve(
    key: LedgerKey,
    budgets: Budgets,
    terms: ReserveTerms,
    mayDraw: boolean,
  ): Promise<ReserveResult | 'short'> {
    const share = terms.key?.id;
    let bucketStates = guessBucketStates(this.lastSeen(key)?.view, this.#seenKey(key, share), terms.nowEpochMs);
    const most = mayDraw ? MAX_DRAWING_TRIES : MAX_RESERVE_TRIES;
    let drawn = 0;
    for (let tries = 1; tries <= most; tries++) {
      const written = await this.#write(key, reserveWrite(terms, bucketStates));
      if ('view' in written) {
        this.#rememberKeyLedger(key, terms, written.view);
        return { kind: 'reserved', view: written.view };
      }
      if (written.current === undefined) {
        await this.#store.openPeriod(key, budgets.team);
        continue;
      }
      const state = written.current;
      if (expireTopUps(state, terms.nowEpochMs) !== state) {
        await this.#store.changeLimit(key, (current) => expireTopUps(current, terms.nowEpochMs));
        continue;
      }
      if (terms.key !== undefined && !state.keys.has(terms.key.id)) {
        await this.#write(key, openKeyLedgerWrite(terms.key));
        continue;
      }
      const again = reserve(state, terms);
      if ('state' in again) {
        // Nothing to add: an earlier try of this very reserve succeeded, and only its reply was lost.
        if (again.state === state) return { kind: 'reserved', view: state };
        // It would fit, so only the guessed form of a bucket was wrong, or the ledger has moved since.
        bucketStates = guessBucketStates(state, state.keys.get(share ?? ''), terms.nowEpochMs);
        continue;
      }
      if ('isLeaseExpired' in again) {
        if (!mayDraw) return 'short';
        const exhausted = await this.#leases.renew(key, state);
        if (exhausted === undefined) continue;
        return { kind: 'refused', refused: { ...exhausted, reason: 'organization_budget_exceeded' }, view: state };
      }
      if ('shortfallPicoUsd' in again) {
        if (!mayDraw) return 'short';
        // Whoever took it has what it wanted: after a moment there are fewer to be quicker.
        if (drawn++ > 0) await pauseUpTo(CONFLICT_BACKOFF_MS);
        const draw = await this.#leases.draw(key, again.shortfallPicoUsd, budgets.organization, terms);
        if (draw === undefined) continue;
        const availablePicoUsd = addUsd(draw.availablePicoUsd, state.leasedPicoUsd);
        const refused = { ...draw, reason: 'organization_budget_exceeded', availablePicoUsd } as const;
        return { kind: 'refused', refused, view: state };
      }
      const { refused } = again;
      const blocked = refused.reason === 'team_budget_exceeded' || refused.reason === 'concurrency_exceeded';
      if (blocked && (await this.#expireOverdue(key, state, terms.nowEpochMs)) > 0) continue;
      return { kind: 'refused', refused, view: state };
    }
    throw new StoreError('ledger', `the ledger of ${key.team} kept changing for ${most} tries`);
  }

  async settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerView> {
    const nowEpochMs = this.#nowEpochMs();
    const settled = await this.#write(key, settleWrite(terms, settlement, nowEpochMs));
    if ('view' in settled) return settled.view;
    if (settled.current?.lapsed.has(terms.reservation.id)) {
      const corrected = await this.#write(key, correctWrite(terms, settlement));
      if ('view' in corrected) return corrected.view;
    }
    // Gone from both maps: an earlier try of this very settlement succeeded, and only its reply was lost.
    if (settled.current === undefined)
      throw new StoreError('ledger', `the ledger of ${key.team} for ${key.period} does not exist`);
    return settled.current;
  }

  lastSeen(key: LedgerKey): CachedLedgerView | undefined {
    return this.#seen.get(ledgerCacheKey(key));
  }

  async readEventuallyConsistent(key: LedgerKey): Promise<LedgerState | undefined> {
    const state = await this.#store.read(key, false);
    return state === undefined ? undefined : this.#remember(key, state);
  }

  async readPauses(team: string): Promise<Pauses> {
    return await this.#store.readPauses(team);
  }

  async readOrganization(period: Period): Promise<OrganizationLedger | undefined> {
    return await this.#leases.read(period);
  }

  /** The whole ledger, its open reservations included. */
  async read(key: LedgerKey): Promise<LedgerState | undefined> {
    const state = await this.#store.read(key);
    return state === undefined ? undefined : this.#remember(key, state);
  }

  /** Takes off a cap's increases whose time is over, and takes back what lies idle of them. */
  async sweepCap(period: Period, nowEpochMs: number): Promise<void> {
    await this.#leases.changeLimit(period, (state) => expireTopUps(state, nowEpochMs));
  }

  /**
   * Takes every reservation past its time for spent at its bound, and forgets those that lapsed long ago; tells how many
   * were taken, and how the ledger stands.
   */
  async sweep(
    key: LedgerKey,
    nowEpochMs: number,
  ): Promise<{ readonly expired: number; readonly state: LedgerState } | undefined> {
    const state = await this.read(key);
    if (state === undefined) return undefined;
    if (expireTopUps(state, nowEpochMs) !== state)
      await this.#store.changeLimit(key, (current) => expireTopUps(current, nowEpochMs));
    await this.#store.repairTeamControls(key, state);
    const expired = await this.#expireOverdue(key, state, nowEpochMs);
    // Also when nothing else is written: what stays in the item is paid for by every call of the month.
    const forgotten = purgeableReservations(state, nowEpochMs).map((held) => held.id);
    for (let start = 0; start < forgotten.length; start += MAX_PURGED_PER_WRITE) {
      await this.#write(key, purgeLapsedWrite(forgotten.slice(start, start + MAX_PURGED_PER_WRITE)));
    }
    const isChanged = expired > 0 || forgotten.length > 0;
    return { expired, state: isChanged ? ((await this.read(key)) ?? state) : state };
  }

  async #expireOverdue(key: LedgerKey, state: LedgerState, nowEpochMs: number): Promise<number> {
    const overdue = [...state.open.values()].filter((held) => held.expiresAtEpochMs <= nowEpochMs);
    const purgedIds = purgeableReservations(state, nowEpochMs)
      // One that is open again lapses again in this very write, which can name it only once.
      .filter(({ id }) => !state.open.has(id))
      .slice(0, MAX_PURGED_PER_WRITE)
      .map((held) => held.id);
    return overdue.length === 0 ? 0 : await this.expire(key, overdue, purgedIds);
  }

  /**
   * Takes reservations past their time for spent at their bound, many in a write; those that have been settled meanwhile
   * are left alone. Tells how many are in flight no more.
   */
  async expire(key: LedgerKey, overdue: readonly Reservation[], purgedIds: readonly string[] = []): Promise<number> {
    let left = overdue;
    for (let tries = 1; left.length > 0; tries++) {
      const some = left.slice(0, MAX_EXPIRED_PER_WRITE);
      const written = await this.#write(key, expireWrite(some, tries === 1 ? purgedIds : []));
      this.#seen.delete(ledgerCacheKey(key));
      if ('view' in written) left = left.slice(some.length);
      else if (tries > MAX_EXPIRE_TRIES)
        throw new StoreError('ledger', `the ledger of ${key.team} kept changing while it was swept`);
      else {
        const open = written.current?.open;
        left = left.filter(({ id }) => open?.has(id) === true);
      }
    }
    return overdue.length;
  }

  /** Makes one conditional write; when its condition fails, tells the item as it stands, or undefined for none. */
  async #write(
    key: LedgerKey,
    write: LedgerWrite,
  ): Promise<{ view: LedgerView } | { current: LedgerState | undefined }> {
    const result = await this.#store.write(key, write);
    if ('current' in result)
      return { current: result.current === undefined ? undefined : this.#remember(key, result.current) };
    const view = parseUpdatedView(result.written);
    // A write that does not echo every total must not pass for a sight of the ledger.
    return { view: hasEveryTotal(result.written) ? this.#remember(key, view) : view };
  }

  /** A key's share as it was last seen: in a whole item, or in what a write of that key told. */
  #seenKey(key: LedgerKey, share: string | undefined): KeyLedger | undefined {
    if (share === undefined) return undefined;
    const view = this.#seen.get(ledgerCacheKey(key))?.view;
    const known = view !== undefined && 'keys' in view ? (view as LedgerState).keys.get(share) : undefined;
    return known ?? this.#cachedKeyLedgers.get(`${ledgerCacheKey(key)} ${share}`);
  }

  #rememberKeyLedger(key: LedgerKey, { key: terms }: ReserveTerms, { key: share }: LedgerView): void {
    if (terms === undefined || share === undefined) return;
    if (this.#cachedKeyLedgers.size >= MAX_CACHED_LEDGERS) this.#cachedKeyLedgers.clear();
    this.#cachedKeyLedgers.set(`${ledgerCacheKey(key)} ${terms.id}`, share);
  }

  #remember<V extends LedgerView>(key: LedgerKey, view: V): V {
    if (this.#seen.size >= MAX_CACHED_LEDGERS) this.#seen.clear();
    this.#seen.set(ledgerCacheKey(key), { view, seenAtEpochMs: this.#nowEpochMs() });
    return view;
  }
}

function hasEveryTotal(attributes: Item): boolean {
  return ['limit', 'available', 'leased', 'reserved', 'spent', 'rpmTat', 'tpmTat'].every((name) => name in attributes);
}

function ledgerCacheKey({ team, period }: LedgerKey): string {
  return `${team} ${period}`;
}
