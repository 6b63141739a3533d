import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  TransactionConflictException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { TTL_ATTRIBUTE } from '../contract.ts';
import {
  changeLimit,
  type LedgerState,
  type LedgerView,
  type Reservation,
  type ReserveTerms,
  reserve,
  type Settlement,
} from '../core/ledger.ts';
import { addUsd, type PicoUsd } from '../core/money.ts';
import type { OrganizationLedger } from '../core/organization-ledger.ts';
import type { Period } from '../core/period.ts';
import type { Budgets, Ledger, LedgerKey, ReserveResult, SeenLedger } from '../core/ports.ts';
import { type Item, ledgerItemKey, ledgerStateOf, ledgerViewOf } from './ledger-item.ts';
import {
  bucketForms,
  correctWrite,
  expireWrite,
  type LedgerWrite,
  reserveWrite,
  settleWrite,
} from './ledger-writes.ts';

import { type Draw, OrganizationLeases } from './organization-leases.ts';

/** The ledger's store failed or answered what cannot be; nothing may be assumed of the write. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}

/** The most round trips one reserve makes: create the period, guess a bucket's form again, expire, and a few races. */
const MAX_RESERVE_TRIES = 12;
/** The most that one makes that draws: what it has drawn, other calls of its team may take first, again and again. */
const MAX_DRAWING_TRIES = 100;
/** How often a write is tried that meets a transaction on its item, and how long it waits, in milliseconds, at first. */
const MAX_CONFLICT_TRIES = 6;
const CONFLICT_WITHIN_MS = 20;
/** How long a ledger item is kept after its last period began, in seconds: 400 days, as the audit is. */
const KEEP_S = 400 * 86_400;
/** How long a late settlement may still correct an expiry, in milliseconds: four times the longest function. */
const KEEP_LAPSED_MS = 3_600_000;
/** How many lapsed reservations one write forgets at most. */
const MAX_FORGOTTEN = 50;
/** How many reservations one write expires at most: some 70 bytes each of the 4 KB that an expression may have. */
const EXPIRED_AT_ONCE = 40;
/** How many writes one sweep of a ledger makes at most; each settlement between a read and its write costs one more. */
const MAX_EXPIRE_TRIES = 100;
/** How many ledgers a process remembers the last sight of. */
const MAX_SEEN = 1_000;

/** The ledger in DynamoDB: one conditional write to admit a call, one to end it. */
export class DynamoLedger implements Ledger {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #nowEpochMs: () => number;
  readonly #seen = new Map<string, SeenLedger>();
  readonly #leases: OrganizationLeases;
  /** The last draw of each ledger in this process: the next waits for it, since it may find what that one drew. */
  readonly #drawing = new Map<string, Promise<unknown>>();

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
    this.#leases = new OrganizationLeases(client, table, nowEpochMs, KEEP_S);
  }

  async reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult> {
    const result = await this.#reserve(key, budgets, terms, false);
    if (result !== 'short') return result;
    // One at a time, or a crowd would draw a block each, or take from one another what each has drawn.
    const name = seenName(key);
    const before = this.#drawing.get(name) ?? Promise.resolve();
    const mine = before.then(() => this.#reserve(key, budgets, terms, true));
    const settled = mine.catch(() => undefined);
    this.#drawing.set(name, settled);
    const drawn = await mine.finally(() => {
      if (this.#drawing.get(name) === settled) this.#drawing.delete(name);
    });
    if (drawn === 'short') throw new LedgerError(`the ledger of ${key.team} found no lease it could keep`);
    return drawn;
  }

  /** Reserves; a team that lacks money of the organisation's draws it, or is told so where it may not. */
  async #reserve(
    key: LedgerKey,
    budgets: Budgets,
    terms: ReserveTerms,
    mayDraw: boolean,
  ): Promise<ReserveResult | 'short'> {
    let forms = bucketForms(this.lastSeen(key)?.view ?? { rpmTatUs: 0, tpmTatUs: 0 }, terms.nowEpochMs);
    const most = mayDraw ? MAX_DRAWING_TRIES : MAX_RESERVE_TRIES;
    let drawn = 0;
    for (let tries = 1; tries <= most; tries++) {
      const written = await this.#write(key, reserveWrite(terms, forms));
      if ('view' in written) return { kind: 'reserved', view: written.view };
      if (written.current === undefined) {
        await this.#openPeriod(key, budgets.team);
        continue;
      }
      const state = written.current;
      const again = reserve(state, terms);
      if ('state' in again) {
        // Nothing to add: an earlier try of this very reserve succeeded, and only its reply was lost.
        if (again.state === state) return { kind: 'reserved', view: state };
        // It would fit, so only the guessed form of a bucket was wrong, or the ledger has moved since.
        forms = bucketForms(state, terms.nowEpochMs);
        continue;
      }
      if ('shortPicoUsd' in again) {
        if (!mayDraw) return 'short';
        // Whoever took it has what it wanted: after a moment there are fewer to be quicker.
        if (drawn++ > 0) await pauseWithin(CONFLICT_WITHIN_MS);
        const draw = await this.#draw(key, again.shortPicoUsd, budgets.organization);
        if (draw === 'drawn') continue;
        const leftPicoUsd = addUsd(draw.leftPicoUsd, state.leased);
        const refused = { reason: 'organization_budget_exceeded', leftPicoUsd, heldPicoUsd: draw.heldPicoUsd } as const;
        return { kind: 'refused', refused, view: state };
      }
      const { refused } = again;
      const blocked = refused.reason === 'team_budget_exceeded' || refused.reason === 'concurrency_exceeded';
      if (blocked && (await this.#expireOverdue(key, state, terms.nowEpochMs)) > 0) continue;
      return { kind: 'refused', refused, view: state };
    }
    throw new LedgerError(`the ledger of ${key.team} kept changing for ${most} tries`);
  }

  async #draw(key: LedgerKey, need: PicoUsd, cap: PicoUsd): Promise<Draw> {
    try {
      return await this.#leases.draw(key, need, cap);
    } catch (cause) {
      throw new LedgerError(`cannot draw from the organisation's ledger for ${key.team}`, { cause });
    }
  }

  async settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerView> {
    const nowEpochMs = this.#nowEpochMs();
    const settled = await this.#write(key, settleWrite(terms, settlement, nowEpochMs));
    if ('view' in settled) return settled.view;
    if (settled.current?.lapsed.has(terms.reservation.id)) {
      const corrected = await this.#write(key, correctWrite(terms, settlement, nowEpochMs));
      if ('view' in corrected) return corrected.view;
    }
    // Gone from both maps: an earlier try of this very settlement succeeded, and only its reply was lost.
    if (settled.current === undefined)
      throw new LedgerError(`the ledger of ${key.team} for ${key.period} does not exist`);
    return settled.current;
  }

  lastSeen(key: LedgerKey): SeenLedger | undefined {
    return this.#seen.get(seenName(key));
  }

  async read(key: LedgerKey): Promise<LedgerView | undefined> {
    return await this.readState(key);
  }

  async readOrganization(period: Period): Promise<OrganizationLedger | undefined> {
    try {
      return await this.#leases.read(period);
    } catch (cause) {
      throw new LedgerError("cannot read the organisation's ledger", { cause });
    }
  }

  /** Gives a period a cap of all teams together: opens it, or moves what is available by the difference. */
  async setCap(period: Period, cap: PicoUsd): Promise<void> {
    try {
      await this.#leases.setCap(period, cap);
    } catch (cause) {
      throw new LedgerError("cannot write the organisation's ledger", { cause });
    }
  }

  /** The whole ledger, its open reservations included. */
  async readState(key: LedgerKey): Promise<LedgerState | undefined> {
    const command = new GetItemCommand({ TableName: this.#table, Key: ledgerItemKey(key), ConsistentRead: true });
    try {
      const { Item } = await this.#client.send(command);
      return Item === undefined ? undefined : this.#remember(key, ledgerStateOf(Item));
    } catch (cause) {
      throw new LedgerError(`cannot read the ledger of ${key.team}`, { cause });
    }
  }

  /** Gives a period a limit: opens it when it has had no call yet, else moves what is available by the difference. */
  async setLimit(key: LedgerKey, limit: PicoUsd): Promise<void> {
    for (let tries = 1; tries <= MAX_RESERVE_TRIES; tries++) {
      const state = await this.readState(key);
      if (state?.limit === limit) return;
      if (state === undefined) {
        // Read again after it: another process may just have opened it with another limit.
        await this.#openPeriod(key, limit);
        continue;
      }
      const delta = changeLimit(state, limit).available - state.available;
      const written = await this.#write(key, {
        UpdateExpression: 'SET #limit = :limit, #available = #available + :delta',
        ConditionExpression: '#limit = :before',
        ExpressionAttributeNames: { '#limit': 'limit', '#available': 'available' },
        ExpressionAttributeValues: {
          ':limit': { N: String(limit) },
          ':before': { N: String(state.limit) },
          ':delta': { N: String(delta) },
        },
      });
      if ('view' in written) {
        this.#seen.delete(seenName(key));
        return;
      }
    }
    throw new LedgerError(`the budget of ${key.team} kept changing for ${MAX_RESERVE_TRIES} tries`);
  }

  /** Takes every reservation past its time for spent at its bound; tells how many there were, and how the ledger stands. */
  async sweep(
    key: LedgerKey,
    nowEpochMs: number,
  ): Promise<{ readonly expired: number; readonly state: LedgerState } | undefined> {
    const state = await this.readState(key);
    if (state === undefined) return undefined;
    const expired = await this.#expireOverdue(key, state, nowEpochMs);
    return { expired, state: expired === 0 ? state : ((await this.readState(key)) ?? state) };
  }

  async #expireOverdue(key: LedgerKey, state: LedgerState, nowEpochMs: number): Promise<number> {
    const overdue = [...state.open.values()].filter((held) => held.expiresAtEpochMs <= nowEpochMs);
    const forgotten = [...state.lapsed.values()].filter((held) => held.expiresAtEpochMs + KEEP_LAPSED_MS <= nowEpochMs);
    const forgottenIds = forgotten.slice(0, MAX_FORGOTTEN).map((held) => held.id);
    return overdue.length === 0 ? 0 : await this.expire(key, overdue, nowEpochMs, forgottenIds);
  }

  /**
   * Takes reservations past their time for spent at their bound, many in a write; those that have been settled meanwhile
   * are left alone. Tells how many are in flight no more.
   */
  async expire(
    key: LedgerKey,
    overdue: readonly Reservation[],
    nowEpochMs: number,
    forgottenIds: readonly string[] = [],
  ): Promise<number> {
    let left = overdue;
    for (let tries = 1; left.length > 0; tries++) {
      const some = left.slice(0, EXPIRED_AT_ONCE);
      const written = await this.#write(key, expireWrite(some, nowEpochMs, tries === 1 ? forgottenIds : []));
      this.#seen.delete(seenName(key));
      if ('view' in written) left = left.slice(some.length);
      else if (tries > MAX_EXPIRE_TRIES)
        throw new LedgerError(`the ledger of ${key.team} kept changing while it was swept`);
      else {
        const open = written.current?.open;
        left = left.filter(({ id }) => open?.has(id) === true);
      }
    }
    return overdue.length;
  }

  /** Creates a period's item with its budget, unless another process just has. */
  async #openPeriod(key: LedgerKey, limit: PicoUsd): Promise<void> {
    const zeros = ['reserved', 'leased', 'spent', 'assumed', 'overrun', 'rpmTat', 'tpmTat'];
    const attributes: Record<string, AttributeValue> = {
      limit: { N: String(limit) },
      available: { N: String(limit) },
      open: { M: {} },
      lapsed: { M: {} },
      [TTL_ATTRIBUTE]: { N: String(Math.floor(this.#nowEpochMs() / 1000) + KEEP_S) },
      ...Object.fromEntries(zeros.map((name) => [name, { N: '0' }])),
    };
    const fields = Object.keys(attributes);
    await this.#write(key, {
      UpdateExpression: `SET ${fields.map((name) => `#${name} = :${name}`).join(', ')}`,
      ConditionExpression: 'attribute_not_exists(#limit)',
      ExpressionAttributeNames: Object.fromEntries(fields.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(
        fields.map((name) => [`:${name}`, attributes[name] as AttributeValue]),
      ),
    });
  }

  /** Makes one conditional write; when its condition fails, tells the item as it stands, or undefined for none. */
  async #write(
    key: LedgerKey,
    write: LedgerWrite,
  ): Promise<{ view: LedgerView } | { current: LedgerState | undefined }> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: ledgerItemKey(key),
      ...write,
      ReturnValues: 'UPDATED_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      const { Attributes } = await this.#sendBesideTransactions(command);
      const view = ledgerViewOf(Attributes ?? {});
      // A write that does not echo every total must not pass for a sight of the ledger.
      return { view: isWhole(Attributes ?? {}) ? this.#remember(key, view) : view };
    } catch (cause) {
      if (cause instanceof ConditionalCheckFailedException) {
        return { current: cause.Item === undefined ? undefined : this.#remember(key, ledgerStateOf(cause.Item)) };
      }
      throw new LedgerError(`cannot write the ledger of ${key.team}`, { cause });
    }
  }

  /** Sends a write; one that meets a lease on its way to the same item is refused by DynamoDB, and tried again. */
  async #sendBesideTransactions(command: UpdateItemCommand) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#client.send(command);
      } catch (error) {
        if (!(error instanceof TransactionConflictException) || tries >= MAX_CONFLICT_TRIES) throw error;
        await pauseWithin(CONFLICT_WITHIN_MS * tries);
      }
    }
  }

  #remember<V extends LedgerView>(key: LedgerKey, view: V): V {
    if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
    this.#seen.set(seenName(key), { view, seenAtEpochMs: this.#nowEpochMs() });
    return view;
  }
}

async function pauseWithin(mostMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * mostMs));
}

function isWhole(attributes: Item): boolean {
  return ['limit', 'available', 'leased', 'reserved', 'spent', 'rpmTat', 'tpmTat'].every((name) => name in attributes);
}

function seenName({ team, period }: LedgerKey): string {
  return `${team} ${period}`;
}
