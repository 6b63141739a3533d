import type { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { pauseUpTo, RETRY_NOW } from '../../kernel/io/retry.ts';
import { addUsd, type PicoUsd, picoUsd, ZERO_USD } from '../../kernel/money.ts';
import type { Period } from '../../kernel/period.ts';
import { leaseBlockSize, type OrganizationLedger, settleExpiredLease } from '../organization-ledger.ts';
import type { Budgets, LedgerKey } from '../ports.ts';
import type { LedgerState, ReserveTerms } from '../reservation.ts';
import { earliestTopUpEnd, expireTopUps } from '../top-ups.ts';
import { type CapExhausted, ExhaustedCapCache } from './exhausted-cap-cache.ts';
import { IdleLeases, TRANSFER_BACKOFF_MS } from './idle-leases.ts';
import { organizationItemKey, parseOrganizationLedger } from './organization-item.ts';
import { drawTransaction, returnTransaction } from './writes/lease-transactions.ts';
import { limitWrite } from './writes/limit-writes.ts';
import { openingCapWrite } from './writes/opening-write.ts';

/** Attempts at a change of the organisation's ledger while other processes change it too. */
const MAX_ATTEMPTS = 50;

/** The organization's ledger in DynamoDB. Money moves to a team and back in transactions of two items. */
export class OrganizationLeases {
  readonly #table: DynamoTable;
  readonly #idleLeases: IdleLeases;
  readonly #nowEpochMs: () => number;
  readonly #exhausted: ExhaustedCapCache;

  constructor(table: DynamoTable, nowEpochMs: () => number) {
    this.#table = table;
    this.#idleLeases = new IdleLeases(table);
    this.#exhausted = new ExhaustedCapCache(nowEpochMs);
    this.#nowEpochMs = nowEpochMs;
  }

  /** Reads the organisation's ledger; undefined when no team has drawn in the period. */
  async read(period: Period): Promise<OrganizationLedger | undefined> {
    const item = await this.#table.get("read the organisation's ledger", organizationItemKey(period));
    return item === undefined ? undefined : parseOrganizationLedger(item);
  }

  /**
   * Leases a block of at least `needPicoUsd` to a team, and recalls idle leases of other teams before it gives up. Returns
   * the refusal when the cap is used up.
   *
   * @throws StoreError when every attempt lost a race; that is never a refusal, since there was money.
   */
  async draw(
    key: LedgerKey,
    needPicoUsd: PicoUsd,
    { leasedPicoUsd }: LedgerState,
    budgets: Budgets,
    terms: ReserveTerms,
  ): Promise<CapExhausted | undefined> {
    const exhausted =
      this.#exhausted.find(key, needPicoUsd) ?? (await this.#draw(key, needPicoUsd, budgets.organization, terms));
    if (exhausted === 'drawn') return undefined;
    return { ...exhausted, availablePicoUsd: addUsd(exhausted.availablePicoUsd, leasedPicoUsd) };
  }

  async #draw(key: LedgerKey, needPicoUsd: PicoUsd, cap: PicoUsd, terms: ReserveTerms) {
    const purpose = `draw a lease for ${key.team}`;
    return await this.#table.retry<CapExhausted | 'drawn'>(purpose, MAX_ATTEMPTS, async () => {
      const state = await this.read(key.period);
      if (state === undefined) {
        await this.#open(key.period, cap);
        return RETRY_NOW;
      }
      if (await this.#expireTopUps(key.period, state)) return RETRY_NOW;
      const amount = leaseBlockSize(state, needPicoUsd);
      if (amount !== undefined) {
        const outcome = await this.#table.transact(purpose, drawTransaction(key, amount, state, this.#nowEpochMs()));
        return 'written' in outcome ? 'drawn' : undefined;
      }
      const short = picoUsd(needPicoUsd - state.availablePicoUsd);
      const { hadIdleLeases, ledgers } = await this.#idleLeases.recall(key.team, key.period, state, short);
      return hadIdleLeases ? RETRY_NOW : this.#exhausted.remember(key, state, ledgers, terms);
    });
  }

  /**
   * Returns a team's expired lease to the organisation, so that the team can draw again where the cap has room. Returns
   * undefined when the team's ledger must be read again, or the refusal when there is nothing to return and the cap has no
   * room.
   */
  async renew(key: LedgerKey, team: LedgerState): Promise<CapExhausted | undefined> {
    const state = await this.read(key.period);
    const { leasedPicoUsd, leaseEndsAtEpochMs: endedAtEpochMs } = team;
    if (state === undefined || endedAtEpochMs === undefined) return undefined;
    if (await this.#expireTopUps(key.period, state)) return undefined;
    const { amount, leaseEndsAtEpochMs } = settleExpiredLease(state, leasedPicoUsd, endedAtEpochMs);
    if (amount === 0n && leaseEndsAtEpochMs === endedAtEpochMs) {
      // Nothing is reclaimable by the team: money that comes back goes to the cap first.
      return {
        reason: 'organization_budget_exceeded',
        limitPicoUsd: state.limitPicoUsd,
        availablePicoUsd: ZERO_USD,
        reservedPicoUsd: team.reservedPicoUsd,
        reclaimablePicoUsd: ZERO_USD,
      };
    }
    this.#exhausted.clear();
    const lease = { leasedPicoUsd, endedAtEpochMs, amountPicoUsd: amount, nextEndEpochMs: leaseEndsAtEpochMs };
    const outcome = await this.#table.transact(`return the lease of ${key.team}`, returnTransaction(key, lease, state));
    if (!('written' in outcome)) await pauseUpTo(TRANSFER_BACKOFF_MS);
    return undefined;
  }

  /**
   * Changes the cap or its top-ups by a pure function, ends the leases that the new cap no longer covers, and recalls
   * their idle money. A period that is not open yet is opened with `openingCapPicoUsd`, or left alone without one.
   */
  async changeLimit(
    period: Period,
    change: (state: OrganizationLedger) => OrganizationLedger,
    openingCapPicoUsd?: PicoUsd,
  ): Promise<void> {
    const purpose = "change the organisation's cap";
    await this.#table.retry(purpose, MAX_ATTEMPTS, async () => {
      const state = await this.read(period);
      if (state === undefined) {
        if (openingCapPicoUsd === undefined) return true;
        await this.#open(period, openingCapPicoUsd);
        return RETRY_NOW;
      }
      const changed = change(state);
      if (changed.limitPicoUsd !== state.limitPicoUsd || changed.topUps !== state.topUps) {
        const outcome = await this.#table.update(purpose, organizationItemKey(period), limitWrite(state, changed));
        if (!('written' in outcome)) return undefined;
      }
      this.#exhausted.clear();
      // Also without a change: the process that made it may have died before it ended the leases.
      const isOverdrawn = changed.availablePicoUsd < 0n;
      const endsAt = isOverdrawn ? this.#nowEpochMs() : earliestTopUpEnd(changed.topUps);
      if (endsAt !== undefined) await this.#idleLeases.end(period, changed, endsAt);
      if (isOverdrawn) await this.#idleLeases.recall(undefined, period, changed, picoUsd(-changed.availablePicoUsd));
      return true;
    });
  }

  /** Removes the cap's ended top-ups, if there are any. */
  async #expireTopUps(period: Period, state: OrganizationLedger): Promise<boolean> {
    if (expireTopUps(state, this.#nowEpochMs()) === state) return false;
    await this.changeLimit(period, (current) => expireTopUps(current, this.#nowEpochMs()));
    return true;
  }

  async #open(period: Period, capPicoUsd: PicoUsd): Promise<void> {
    const write = openingCapWrite(capPicoUsd, this.#nowEpochMs());
    await this.#table.update("open the organisation's ledger", organizationItemKey(period), write);
  }
}
