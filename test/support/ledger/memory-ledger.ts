import { addUsd, type PicoUsd, picoUsd } from '../../../lambda/kernel/money.ts';
import { periodOf } from '../../../lambda/kernel/period.ts';
import type { BudgetLedger } from '../../../lambda/ledger/budget-operations.ts';
import {
  endLease,
  expire,
  forgettable,
  heldIn,
  lease,
  openLedger,
  reserve,
  settle,
  withKey,
} from '../../../lambda/ledger/ledger.ts';
import {
  drawableOf,
  grant,
  type OrganizationLedger,
  openOrganization,
  recallableOf,
  returnOf,
} from '../../../lambda/ledger/organization-ledger.ts';
import type { Pause, Pauses } from '../../../lambda/ledger/pause.ts';
import type { Budgets, Ledger, LedgerKey, ReserveResult, SeenLedger } from '../../../lambda/ledger/ports.ts';
import type { LedgerState, ReserveRefusal, ReserveTerms, Settlement } from '../../../lambda/ledger/reservation.ts';
import { addTopUp, changeLimit, endTopUps, type TopUp, topUpsEndAt } from '../../../lambda/ledger/top-ups.ts';

/** The ledger's model: core's transitions over a map, with the same lazy expiry as the real one. */
export class MemoryLedger implements Ledger, BudgetLedger {
  readonly #states = new Map<string, LedgerState>();
  readonly #organizations = new Map<string, OrganizationLedger>();
  readonly #pauses = new Map<string, Pause>();
  #pauseOfAll: Pause | undefined;
  readonly #revoked = new Map<string, ReadonlyMap<string, number>>();
  readonly #nowEpochMs: () => number;

  constructor(nowEpochMs: () => number) {
    this.#nowEpochMs = nowEpochMs;
  }

  async reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult> {
    this.#change(key, budgets.team, (state) => withKey(endTopUps(state, terms.nowEpochMs), terms.key));
    let state = this.#stateOf(key);
    let result = reserve(state, terms);
    const blocked =
      'refused' in result && ['team_budget_exceeded', 'concurrency_exceeded'].includes(result.refused.reason);
    if (blocked) {
      state = expireOverdue(state, terms.nowEpochMs);
      result = reserve(state, terms);
    }
    this.#states.set(nameOf(key), state);
    while ('isLeaseOver' in result) {
      const refused = this.#renew(key);
      state = this.#stateOf(key);
      if (refused !== undefined) return { kind: 'refused', refused, view: state };
      result = reserve(state, terms);
    }
    if ('shortPicoUsd' in result) {
      const refused = this.#draw(key, result.shortPicoUsd, budgets.organization, terms);
      state = this.#stateOf(key);
      if (refused !== undefined) return { kind: 'refused', refused, view: state };
      result = reserve(state, terms);
    }
    if ('shortPicoUsd' in result || 'isLeaseOver' in result) throw new Error('a draw was too small');
    if ('refused' in result) return { kind: 'refused', refused: result.refused, view: state };
    this.#states.set(nameOf(key), result.state);
    return { kind: 'reserved', view: result.state };
  }

  /** Brings back a lease that is over, or says that the cap has no room and there is nothing to bring. */
  #renew(key: LedgerKey): ReserveRefusal | undefined {
    const now = this.#nowEpochMs();
    const seen = this.#organizations.get(key.period) as OrganizationLedger;
    if (endTopUps(seen, now) !== seen) {
      this.#changeCap(key.period, seen.limit, (state) => endTopUps(state, now));
      return undefined;
    }
    const { leased, reserved, leaseEndsAtEpochMs: endedAt } = this.#stateOf(key);
    const { amount, leaseEndsAtEpochMs } = returnOf(seen, leased, endedAt as number);
    if (amount === 0n && leaseEndsAtEpochMs === endedAt)
      return {
        reason: 'organization_budget_exceeded',
        limitPicoUsd: seen.limit,
        leftPicoUsd: picoUsd(0n),
        heldPicoUsd: reserved,
        awaitedPicoUsd: picoUsd(0n),
      };
    this.#move(key, picoUsd(-amount));
    this.#states.set(nameOf(key), { ...this.#stateOf(key), leaseEndsAtEpochMs });
    return undefined;
  }

  /** Draws from the organisation, after calling back what lies idle in other teams, or says what is left. */
  #draw(key: LedgerKey, need: PicoUsd, cap: PicoUsd, terms: ReserveTerms): ReserveRefusal | undefined {
    const { period } = key;
    const seen = this.#organizations.get(period) ?? openOrganization(cap);
    this.#organizations.set(period, seen);
    const now = this.#nowEpochMs();
    if (endTopUps(seen, now) !== seen) this.#changeCap(period, cap, (state) => endTopUps(state, now));
    for (;;) {
      const organization = this.#organizations.get(period) as OrganizationLedger;
      const amount = drawableOf(organization, need);
      if (amount !== undefined) {
        this.#move(key, amount);
        const leaseEndsAtEpochMs = topUpsEndAt(organization.topUps) ?? this.#stateOf(key).leaseEndsAtEpochMs;
        this.#states.set(nameOf(key), { ...this.#stateOf(key), leaseEndsAtEpochMs });
        return undefined;
      }
      if (this.#callBack(period, key.team, picoUsd(need - organization.available))) continue;
      const held = [...organization.holders].map((team) => heldIn(this.#stateOf({ team, period }), terms));
      return {
        reason: 'organization_budget_exceeded',
        limitPicoUsd: organization.limit,
        leftPicoUsd: addUsd(organization.available, this.#stateOf(key).leased),
        heldPicoUsd: addUsd(...held.map(({ heldPicoUsd }) => heldPicoUsd)),
        awaitedPicoUsd: addUsd(...held.map(({ awaitedPicoUsd }) => awaitedPicoUsd)),
      };
    }
  }

  /** Whether anything lay idle. */
  #callBack(period: string, keeper: string | undefined, need: PicoUsd): boolean {
    const holders = [...(this.#organizations.get(period)?.holders ?? [])];
    const idle = holders
      .map((team) => ({ team, leased: this.#stateOf({ team, period }).leased }))
      .filter(({ team, leased }) => team !== keeper && leased > 0n);
    idle.sort((a, b) => Number(b.leased - a.leased) || (a.team < b.team ? -1 : 1));
    let short: bigint = need;
    for (const { team, leased } of idle) {
      if (short <= 0n) break;
      const back = recallableOf(leased, picoUsd(short));
      this.#move({ team, period }, picoUsd(-back));
      short -= back;
    }
    return idle.length > 0;
  }

  #stateOf(key: LedgerKey): LedgerState {
    return this.#states.get(nameOf(key)) as LedgerState;
  }

  #move(key: LedgerKey, amount: PicoUsd): void {
    const organization = this.#organizations.get(key.period) as OrganizationLedger;
    this.#organizations.set(key.period, grant(organization, key.team, amount));
    this.#states.set(nameOf(key), lease(this.#stateOf(key), amount));
  }

  async readOrganization(period: string): Promise<OrganizationLedger | undefined> {
    return this.#organizations.get(period);
  }

  #changeCap(period: string, cap: PicoUsd, change: (state: OrganizationLedger) => OrganizationLedger): void {
    const after = change(this.#organizations.get(period) ?? openOrganization(cap));
    this.#organizations.set(period, after);
    const endsAt = after.available < 0n ? this.#nowEpochMs() : topUpsEndAt(after.topUps);
    for (const team of endsAt === undefined ? [] : after.holders) {
      const key = { team, period };
      this.#states.set(nameOf(key), endLease(this.#stateOf(key), endsAt as number));
    }
    if (after.available < 0n) this.#callBack(period, undefined, picoUsd(-after.available));
  }

  async setCap(period: string, cap: PicoUsd): Promise<void> {
    this.#changeCap(period, cap, (state) => changeLimit(state, cap));
  }

  async topUpCap(period: string, cap: PicoUsd, topUp: TopUp): Promise<void> {
    this.#changeCap(period, cap, (state) => addTopUp(state, topUp, this.#nowEpochMs()));
  }

  async settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerState> {
    const state = this.#states.get(nameOf(key));
    if (state === undefined) throw new Error('no such ledger');
    const after = settle(state, terms, settlement);
    this.#states.set(nameOf(key), after);
    return after;
  }

  lastSeen(key: LedgerKey): SeenLedger | undefined {
    const view = this.#states.get(nameOf(key));
    return view === undefined ? undefined : { view, seenAtEpochMs: this.#nowEpochMs() };
  }

  async read(key: LedgerKey): Promise<LedgerState | undefined> {
    return this.#states.get(nameOf(key));
  }

  async peek(key: LedgerKey): Promise<LedgerState | undefined> {
    return this.#states.get(nameOf(key));
  }

  async sweep(key: LedgerKey, nowEpochMs: number): Promise<void> {
    let state = this.#states.get(nameOf(key));
    if (state === undefined) return;
    state = endTopUps(state, nowEpochMs);
    const standing = this.#withStanding(key.team, state);
    const missing = [...standing.revoked].some((keyId) => !state?.revoked.has(keyId));
    const differs = JSON.stringify(standing.pauses) !== JSON.stringify(state.pauses);
    if (missing || differs) state = standing;
    const forgotten = forgettable(state, nowEpochMs);
    state = expireOverdue(state, nowEpochMs);
    const lapsed = new Map(state.lapsed);
    for (const { id } of forgotten) lapsed.delete(id);
    this.#states.set(nameOf(key), { ...state, lapsed });
  }

  async sweepCap(period: string, nowEpochMs: number): Promise<void> {
    const state = this.#organizations.get(period);
    if (state !== undefined) this.#changeCap(period, state.limit, (before) => endTopUps(before, nowEpochMs));
  }

  /** Changes a ledger, which is opened first where there is none. */
  #change(key: LedgerKey, limit: PicoUsd, change: (state: LedgerState) => LedgerState): void {
    const pauses = { team: this.#pauses.get(key.team), organization: this.#pauseOfAll };
    const revoked = new Set(this.#revoked.get(key.team)?.keys());
    this.#states.set(nameOf(key), change(this.#states.get(nameOf(key)) ?? { ...openLedger(limit, pauses), revoked }));
  }

  async setLimit(key: LedgerKey, limit: PicoUsd): Promise<void> {
    this.#change(key, limit, (state) => this.#withStanding(key.team, changeLimit(state, limit)));
  }

  async topUp(key: LedgerKey, limit: PicoUsd, topUp: TopUp): Promise<void> {
    this.#change(key, limit, (state) => addTopUp(state, topUp, this.#nowEpochMs()));
  }

  async readPauses(team: string): Promise<Pauses> {
    return { team: this.#pauses.get(team), organization: this.#pauseOfAll };
  }

  async setPause(team: string, pause: Pause | undefined): Promise<void> {
    if (pause === undefined) this.#pauses.delete(team);
    else this.#pauses.set(team, pause);
    this.#applyOpen(team);
  }

  async setPauseOfAll(pause: Pause | undefined, listTeams: () => Promise<ReadonlySet<string>>): Promise<void> {
    this.#pauseOfAll = pause;
    for (const team of await listTeams()) this.#applyOpen(team);
  }

  async revokeKey(team: string, keyId: string): Promise<void> {
    const now = this.#nowEpochMs();
    const lasting = [...(this.#revoked.get(team) ?? [])].filter(([, untilMs]) => untilMs > now);
    this.#revoked.set(team, new Map(lasting).set(keyId, now + 600_000));
    this.#applyOpen(team);
  }

  #withStanding(team: string, state: LedgerState): LedgerState {
    const pauses = { team: this.#pauses.get(team), organization: this.#pauseOfAll };
    return { ...state, pauses, revoked: new Set(this.#revoked.get(team)?.keys()) };
  }

  /** In the periods that are in use around now. */
  #applyOpen(team: string): void {
    for (const hours of [-1, 0, 1]) {
      const name = nameOf({ team, period: periodOf(this.#nowEpochMs() + hours * 3_600_000) });
      const state = this.#states.get(name);
      if (state !== undefined) this.#states.set(name, this.#withStanding(team, state));
    }
  }
}

/** Expires what is past its time, and with it forgets what lapsed long ago. */
function expireOverdue(state: LedgerState, nowEpochMs: number): LedgerState {
  const overdue = [...state.open.values()].filter((held) => held.expiresAtEpochMs <= nowEpochMs);
  if (overdue.length === 0) return state;
  const lapsed = new Map(state.lapsed);
  for (const { id } of forgettable(state, nowEpochMs)) lapsed.delete(id);
  let after: LedgerState = { ...state, lapsed };
  for (const { id } of overdue) after = expire(after, id, nowEpochMs);
  return after;
}

function nameOf({ team, period }: LedgerKey): string {
  return `${team} ${period}`;
}
