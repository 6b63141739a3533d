import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { TTL_ATTRIBUTE } from '../../contract.ts';
import { mapInBatches } from '../../kernel/batches.ts';
import { pauseUpTo } from '../../kernel/io/retry.ts';
import { addUsd, type PicoUsd, picoUsd, ZERO_USD } from '../../kernel/money.ts';
import type { Period } from '../../kernel/period.ts';
import { sumReserved } from '../ledger.ts';
import { leaseBlockSize, type OrganizationLedger, recallAmount, settleExpiredLease } from '../organization-ledger.ts';
import type { LedgerKey } from '../ports.ts';
import type { LedgerState, ReserveRefusal, ReserveTerms } from '../reservation.ts';
import { addTopUp, changeLimit, earliestTopUpEnd, expireTopUps, type TopUp } from '../top-ups.ts';
import { ledgerItemKey, organizationItemKey, parseLedgerState, parseOrganizationLedger } from './ledger-item.ts';
import { LEDGER_RETENTION_S } from './ledger-store.ts';
import { endLeaseWrite, limitWrite } from './limit-writes.ts';

/** What drawing a lease came to. */
export type DrawResult = 'drawn' | Omit<Extract<ReserveRefusal, { reason: 'organization_budget_exceeded' }>, 'reason'>;

/** How often a draw is tried while others move the same ledgers. */
const MAX_DRAW_TRIES = 50;
/** How many teams' ledgers are read or written at once. */
const TEAM_CONCURRENCY = 16;
/** How long a tried transfer waits before it is tried again, at most, in milliseconds. */
const TRANSFER_BACKOFF_MS = 40;
/** How long the organisation is taken for used up after a draw found it so, in milliseconds: a crowd asks once. */
const EXHAUSTED_CACHE_TTL_MS = 250;

/** The organisation's ledger in DynamoDB: money goes to a team and back in transactions of two items. */
export class OrganizationLeases {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #nowEpochMs: () => number;
  #exhausted:
    | {
        readonly period: Period;
        /** Whom it was found for, where that team keeps what others could have; undefined: for all. */
        readonly team: string | undefined;
        readonly atEpochMs: number;
        readonly draw: Exclude<DrawResult, 'drawn'>;
      }
    | undefined;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
  }

  /** Draws what a team lacks, and more where there is more; calls idle leases back from other teams before it gives up. */
  async draw(key: LedgerKey, need: PicoUsd, cap: PicoUsd, terms: ReserveTerms): Promise<DrawResult> {
    const known = this.#exhausted;
    const isFresh = known !== undefined && this.#nowEpochMs() - known.atEpochMs < EXHAUSTED_CACHE_TTL_MS;
    const isOfThis = known?.period === key.period && (known.team === undefined || known.team === key.team);
    if (isFresh && isOfThis && known.draw.availablePicoUsd < need) return known.draw;
    for (let tries = 1; tries <= MAX_DRAW_TRIES; tries++) {
      const state = await this.read(key.period);
      if (state === undefined) {
        await this.#open(key.period, cap);
        continue;
      }
      if (expireTopUps(state, this.#nowEpochMs()) !== state) {
        await this.changeLimit(key.period, (current) => expireTopUps(current, this.#nowEpochMs()));
        continue;
      }
      const amount = leaseBlockSize(state, need);
      if (amount !== undefined) {
        if (await this.#transfer(key, amount, state)) return 'drawn';
        await pauseUpTo(TRANSFER_BACKOFF_MS);
        continue;
      }
      const short = picoUsd(need - state.availablePicoUsd);
      const { hadIdleLeases, ledgers } = await this.#recallLeases(key.team, key.period, state, short);
      if (!hadIdleLeases) {
        const draw = {
          limitPicoUsd: state.limitPicoUsd,
          availablePicoUsd: state.availablePicoUsd,
          ...sumReservedInAllTeams(ledgers, terms),
        };
        const keepsIdle = ledgers.some(({ team, view }) => team === key.team && view.leasedPicoUsd > 0n);
        const team = keepsIdle ? key.team : undefined;
        this.#exhausted = { period: key.period, team, atEpochMs: this.#nowEpochMs(), draw };
        return draw;
      }
    }
    // Never a refusal: there was money, and others were quicker each time.
    throw new Error(`the organisation's ledger kept changing for ${MAX_DRAW_TRIES} tries`);
  }

  /** The organisation's ledger as it stands, or undefined when no one has drawn in the period. */
  async read(period: Period): Promise<OrganizationLedger | undefined> {
    const command = new GetItemCommand({
      TableName: this.#table,
      Key: organizationItemKey(period),
      ConsistentRead: true,
    });
    const { Item } = await this.#client.send(command);
    return Item === undefined ? undefined : parseOrganizationLedger(Item);
  }

  /** Gives a period a cap, beside its top-ups: opens it, or moves what is available by the difference. */
  async setCap(period: Period, cap: PicoUsd): Promise<void> {
    while (!(await this.changeLimit(period, (state) => changeLimit(state, cap)))) await this.#open(period, cap);
  }

  /** Adds a temporary increase; a period without a draw yet is opened with its cap first. */
  async topUp(period: Period, cap: PicoUsd, topUp: TopUp): Promise<void> {
    const add = (state: OrganizationLedger) => addTopUp(state, topUp, this.#nowEpochMs());
    while (!(await this.changeLimit(period, add))) await this.#open(period, cap);
  }

  /**
   * Brings back what a team holds of a lease that is over, and lets it draw anew where the cap has room. The cap's ledger
   * when it has none, and there is nothing to bring; otherwise the team's is to be looked at again.
   */
  async renew(
    key: LedgerKey,
    { leasedPicoUsd, leaseEndsAtEpochMs: endedAt }: LedgerState,
  ): Promise<'look again' | OrganizationLedger> {
    const state = await this.read(key.period);
    if (state === undefined || endedAt === undefined) return 'look again';
    if (expireTopUps(state, this.#nowEpochMs()) !== state) {
      await this.changeLimit(key.period, (current) => expireTopUps(current, this.#nowEpochMs()));
      return 'look again';
    }
    const { amount, leaseEndsAtEpochMs } = settleExpiredLease(state, leasedPicoUsd, endedAt);
    if (amount === 0n && leaseEndsAtEpochMs === endedAt) return state;
    this.#exhausted = undefined;
    await this.#returnLease(key, { leasedPicoUsd, endedAt, amount, leaseEndsAtEpochMs }, state);
    return 'look again';
  }

  async #returnLease(
    { team, period }: LedgerKey,
    lease: { leasedPicoUsd: PicoUsd; endedAt: number; amount: PicoUsd; leaseEndsAtEpochMs: number | undefined },
    seen: OrganizationLedger,
  ): Promise<void> {
    const { leasedPicoUsd, endedAt, amount, leaseEndsAtEpochMs: nextEnd } = lease;
    const end = nextEnd === undefined ? ' REMOVE leaseEndMs' : ', leaseEndMs = :end';
    const TransactItems: TransactWriteItem[] = [
      {
        Update: {
          TableName: this.#table,
          Key: organizationItemKey(period),
          UpdateExpression: 'SET available = available + :amount, granted = granted - :amount',
          // By what was seen it was judged whether the cap has room.
          ConditionExpression: `available = :available AND ${topUpEndCondition(seen)}`,
          ExpressionAttributeValues: {
            ':amount': { N: String(amount) },
            ':available': { N: String(seen.availablePicoUsd) },
            ...topUpEndValues(seen),
          },
        },
      },
      {
        Update: {
          TableName: this.#table,
          Key: ledgerItemKey({ team, period }),
          UpdateExpression: `SET leased = leased - :amount${end}`,
          ConditionExpression: 'leased = :leased AND leaseEndMs = :ended',
          ExpressionAttributeValues: {
            ':amount': { N: String(amount) },
            ':leased': { N: String(leasedPicoUsd) },
            ':ended': { N: String(endedAt) },
            ...(nextEnd === undefined ? {} : { ':end': { N: String(nextEnd) } }),
          },
        },
      },
    ];
    // Others that were quicker have changed what was seen.
    if (!(await this.#written(this.#client.send(new TransactWriteItemsCommand({ TransactItems })))))
      await pauseUpTo(TRANSFER_BACKOFF_MS);
  }

  /** Ends the leases of every team that has drawn, at a time. */
  async #endLeases(period: Period, { holders }: OrganizationLedger, atEpochMs: number): Promise<void> {
    await mapInBatches([...holders], TEAM_CONCURRENCY, async (team) => {
      const write = { TableName: this.#table, Key: ledgerItemKey({ team, period }), ...endLeaseWrite(atEpochMs) };
      for (let tries = 1; tries <= MAX_DRAW_TRIES; tries++) {
        if ((await this.#tried(this.#client.send(new UpdateItemCommand(write)))) !== 'conflict') return;
        await pauseUpTo(TRANSFER_BACKOFF_MS);
      }
      throw new Error(`the lease of ${team} could not be ended`);
    });
  }

  /**
   * Changes a cap or its top-ups by a pure function, ends the leases that it no longer covers, and takes back what lies
   * idle of them. False: there is no ledger.
   */
  async changeLimit(period: Period, change: (state: OrganizationLedger) => OrganizationLedger): Promise<boolean> {
    for (let tries = 1; tries <= MAX_DRAW_TRIES; tries++) {
      const state = await this.read(period);
      if (state === undefined) return false;
      const changed = change(state);
      const isChanged = changed.limitPicoUsd !== state.limitPicoUsd || changed.topUps !== state.topUps;
      const write = { TableName: this.#table, Key: organizationItemKey(period), ...limitWrite(state, changed) };
      if (isChanged && !(await this.#written(this.#client.send(new UpdateItemCommand(write))))) {
        await pauseUpTo(TRANSFER_BACKOFF_MS);
        continue;
      }
      this.#exhausted = undefined;
      // Also when nothing is changed: whoever was about it may have died in the middle.
      const endsAt = changed.availablePicoUsd < 0n ? this.#nowEpochMs() : earliestTopUpEnd(changed.topUps);
      if (endsAt !== undefined) await this.#endLeases(period, changed, endsAt);
      if (changed.availablePicoUsd < 0n)
        await this.#recallLeases(undefined, period, changed, picoUsd(-changed.availablePicoUsd));
      return true;
    }
    throw new Error(`the organisation's cap kept changing for ${MAX_DRAW_TRIES} tries`);
  }

  async #open(period: Period, cap: PicoUsd): Promise<void> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: organizationItemKey(period),
      UpdateExpression: 'SET #limit = :cap, available = :cap, granted = :zero, #ttl = :ttl',
      ConditionExpression: 'attribute_not_exists(#limit)',
      ExpressionAttributeNames: { '#limit': 'limit', '#ttl': TTL_ATTRIBUTE },
      ExpressionAttributeValues: {
        ':cap': { N: String(cap) },
        ':zero': { N: '0' },
        ':ttl': { N: String(Math.floor(this.#nowEpochMs() / 1000) + LEDGER_RETENTION_S) },
      },
    });
    await this.#written(this.#client.send(command));
  }

  /** Takes idle leases from all teams but one until `short` has come back, and tells how all stood. */
  async #recallLeases(keeper: string | undefined, period: Period, state: OrganizationLedger, short: PicoUsd) {
    const ledgers = await this.#ledgersOf([...state.holders], period);
    let recalled = ZERO_USD;
    const idle = ledgers.filter(({ team, view }) => team !== keeper && view.leasedPicoUsd > 0n);
    // The largest first: the fewest transactions, and the least likely to be missed.
    for (const { team, view } of idle.sort(compareByLeased)) {
      if (recalled >= short) break;
      const amount = recallAmount(view.leasedPicoUsd, picoUsd(short - recalled));
      if (await this.#transfer({ team, period }, picoUsd(-amount))) recalled = addUsd(recalled, amount);
      else await pauseUpTo(TRANSFER_BACKOFF_MS);
    }
    return { hadIdleLeases: idle.length > 0, ledgers };
  }

  async #ledgersOf(teams: readonly string[], period: Period): Promise<readonly TeamLedger[]> {
    return await mapInBatches(teams, TEAM_CONCURRENCY, async (team) => {
      const Key = ledgerItemKey({ team, period });
      const { Item } = await this.#client.send(
        new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }),
      );
      return { team, view: parseLedgerState(Item ?? {}) };
    });
  }

  /**
   * Moves money from the organisation, as it was seen, to a team, or back when the amount is negative; false when it is not
   * there.
   */
  async #transfer({ team, period }: LedgerKey, amount: PicoUsd, seen?: OrganizationLedger): Promise<boolean> {
    const values = { ':amount': { N: String(amount) } };
    const endsAt = seen === undefined ? undefined : earliestTopUpEnd(seen.topUps);
    const drawn = endsAt === undefined ? '' : ', leaseEndMs = :end';
    const TransactItems: TransactWriteItem[] = [
      {
        Update: {
          TableName: this.#table,
          Key: organizationItemKey(period),
          UpdateExpression: `SET available = available - :amount, granted = granted + :amount ADD holders :team`,
          // A lease ends with the first top-up of the cap that it is drawn under, so that must be the one seen.
          ConditionExpression:
            seen === undefined ? 'attribute_exists(available)' : `available >= :amount AND ${topUpEndCondition(seen)}`,
          ExpressionAttributeValues: {
            ...values,
            ':team': { SS: [team] },
            ...(seen === undefined ? {} : topUpEndValues(seen)),
          },
        },
      },
      {
        Update: {
          TableName: this.#table,
          Key: ledgerItemKey({ team, period }),
          UpdateExpression: `SET leased = if_not_exists(leased, :zero) + :amount${drawn}`,
          ConditionExpression:
            seen === undefined
              ? 'leased >= :taken'
              : 'attribute_exists(available) AND (attribute_not_exists(leaseEndMs) OR leaseEndMs > :nowMs)',
          ExpressionAttributeValues: {
            ...values,
            ':zero': { N: '0' },
            ...(seen === undefined
              ? { ':taken': { N: String(-amount) } }
              : { ':nowMs': { N: String(this.#nowEpochMs()) } }),
            ...(endsAt === undefined ? {} : { ':end': { N: String(endsAt) } }),
          },
        },
      },
    ];
    return await this.#written(this.#client.send(new TransactWriteItemsCommand({ TransactItems })));
  }

  /** Whether a conditional write was made. */
  async #written(sent: Promise<unknown>): Promise<boolean> {
    return (await this.#tried(sent)) === 'written';
  }

  /** What came of a conditional write: one that met a transaction may be tried again as it is. */
  async #tried(sent: Promise<unknown>): Promise<'written' | 'refused' | 'conflict'> {
    try {
      await sent;
      return 'written';
    } catch (error) {
      if (error instanceof TransactionConflictException) return 'conflict';
      if (error instanceof ConditionalCheckFailedException || error instanceof TransactionCanceledException)
        return 'refused';
      throw error;
    }
  }
}

type TeamLedger = { readonly team: string; readonly view: LedgerState };

/** What calls in flight hold in all teams, and what of it a call with these terms may wait for. */
function sumReservedInAllTeams(ledgers: readonly TeamLedger[], terms: ReserveTerms) {
  const held = ledgers.map(({ view }) => sumReserved(view, terms));
  return {
    reservedPicoUsd: addUsd(...held.map(({ reservedPicoUsd }) => reservedPicoUsd)),
    reclaimablePicoUsd: addUsd(...held.map(({ reclaimablePicoUsd }) => reclaimablePicoUsd)),
  };
}

function compareByLeased(a: TeamLedger, b: TeamLedger): number {
  if (a.view.leasedPicoUsd !== b.view.leasedPicoUsd) return a.view.leasedPicoUsd < b.view.leasedPicoUsd ? 1 : -1;
  return a.team < b.team ? -1 : 1;
}

/** That a cap's first top-up ends when it was seen to; see topUpEndValues. */
function topUpEndCondition({ topUps }: OrganizationLedger): string {
  return earliestTopUpEnd(topUps) === undefined ? 'attribute_not_exists(topUpsEndMs)' : 'topUpsEndMs = :topUpsEndMs';
}

function topUpEndValues({ topUps }: OrganizationLedger): Record<string, AttributeValue> {
  const endsAt = earliestTopUpEnd(topUps);
  return endsAt === undefined ? {} : { ':topUpsEndMs': { N: String(endsAt) } };
}
