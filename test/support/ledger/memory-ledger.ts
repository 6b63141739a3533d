import { addUsd, type PicoUsd, picoUsd } from '../../../lambda/kernel/money.ts';
import { periodAt } from '../../../lambda/kernel/period.ts';
import type { BudgetLedger } from '../../../lambda/ledger/budget-action.ts';
import { isLiftedByExpiry } from '../../../lambda/ledger/failed-reserve.ts';
import { ensureKeyLedger } from '../../../lambda/ledger/key-ledger.ts';
import { endLease, lease, openLedger } from '../../../lambda/ledger/ledger.ts';
import {
  grant,
  leaseBlockSize,
  type OrganizationLedger,
  openOrganizationLedger,
  recallAmount,
  settleExpiredLease,
} from '../../../lambda/ledger/organization-ledger.ts';
import type { Pause, Pauses } from '../../../lambda/ledger/pause.ts';
import type { Budgets, CachedLedgerView, Ledger, LedgerKey, ReserveResult } from '../../../lambda/ledger/ports.ts';
import type { LedgerState, ReserveRefusal, ReserveTerms, Settlement } from '../../../lambda/ledger/reservation.ts';
import { type ReserveOutcome, reserve } from '../../../lambda/ledger/reserve.ts';
import { sumReserved } from '../../../lambda/ledger/reserved-money.ts';
import { expire, purgeableReservations, settle } from '../../../lambda/ledger/settle.ts';
import { addTopUp, changeLimit, earliestTopUpEnd, expireTopUps, type TopUp } from '../../../lambda/ledger/top-ups.ts';

/** The model of the ledger: the pure transitions over a map, with the same lazy expiry as the real one. */
export class MemoryLedger implements Ledger, BudgetLedger {
  readonly #states = new Map<string, LedgerState>();
  readonly #organizations = new Map<string, OrganizationLedger>();
  readonly #pauses = new Map<string, Pause>();
  #pauseForAll: Pause | undefined;
  readonly #revoked = new Map<string, ReadonlyMap<string, number>>();
  readonly #nowEpochMs: () => number;

  constructor(nowEpochMs: () => number) {
    this.#nowEpochMs = nowEpochMs;
  }

  async reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult> {
    this.#change(key, budgets.team, (state) => ensureKeyLedger(expireTopUps(state, terms.nowEpochMs), terms.key));
    let state = this.#stateOf(key);
    let outcome: ReserveOutcome = reserve(state, terms);
    if (outcome.kind === 'refused' && isLiftedByExpiry(outcome.refused)) {
      state = expireOverdue(state, terms.nowEpochMs);
      outcome = reserve(state, terms);
    }
    this.#states.set(ledgerMapKey(key), state);
    while (outcome.kind === 'lease expired') {
      const refused = this.#renew(key);
      state = this.#stateOf(key);
      if (refused !== undefined) return { kind: 'refused', refused, view: state };
      outcome = reserve(state, terms);
    }
    if (outcome.kind === 'lease short') {
      const refused = this.#draw(key, outcome.shortfallPicoUsd, budgets.organization, terms);
      state = this.#stateOf(key);
      if (refused !== undefined) return { kind: 'refused', refused, view: state };
      outcome = reserve(state, terms);
    }
    if (outcome.kind === 'refused') return { kind: 'refused', refused: outcome.refused, view: state };
    if (outcome.kind !== 'reserved') throw new Error('a draw was too small');
    this.#states.set(ledgerMapKey(key), outcome.state);
    return { kind: 'reserved', view: outcome.state };
  }

  /** Returns an expired lease, or refuses when there is nothing to return and the cap has no room. */
  #renew(key: LedgerKey): ReserveRefusal | undefined {
    const now = this.#nowEpochMs();
    const seen = this.#organizations.get(key.period) as OrganizationLedger;
    if (expireTopUps(seen, now) !== seen) {
      this.#changeCap(key.period, seen.limitPicoUsd, (state) => expireTopUps(state, now));
      return undefined;
    }
    const { leasedPicoUsd, reservedPicoUsd, leaseEndsAtEpochMs: endedAt } = this.#stateOf(key);
    const { amount, leaseEndsAtEpochMs } = settleExpiredLease(seen, leasedPicoUsd, endedAt as number);
    if (amount === 0n && leaseEndsAtEpochMs === endedAt)
      return {
        reason: 'organization_budget_exceeded',
        limitPicoUsd: seen.limitPicoUsd,
        availablePicoUsd: picoUsd(0n),
        reservedPicoUsd,
        reclaimablePicoUsd: picoUsd(0n),
      };
    this.#move(key, picoUsd(-amount));
    this.#states.set(ledgerMapKey(key), { ...this.#stateOf(key), leaseEndsAtEpochMs });
    return undefined;
  }

  /** Draws from the organisation, and recalls idle leases first if needed, or refuses with what is left. */
  #draw(key: LedgerKey, need: PicoUsd, cap: PicoUsd, terms: ReserveTerms): ReserveRefusal | undefined {
    const { period } = key;
    const seen = this.#organizations.get(period) ?? openOrganizationLedger(cap);
    this.#organizations.set(period, seen);
    const now = this.#nowEpochMs();
    if (expireTopUps(seen, now) !== seen) this.#changeCap(period, cap, (state) => expireTopUps(state, now));
    for (;;) {
      const organization = this.#organizations.get(period) as OrganizationLedger;
      const amount = leaseBlockSize(organization, need);
      if (amount !== undefined) {
        this.#move(key, amount);
        const leaseEndsAtEpochMs = earliestTopUpEnd(organization.topUps) ?? this.#stateOf(key).leaseEndsAtEpochMs;
        this.#states.set(ledgerMapKey(key), { ...this.#stateOf(key), leaseEndsAtEpochMs });
        return undefined;
      }
      if (this.#recallLeases(period, key.team, picoUsd(need - organization.availablePicoUsd))) continue;
      const held = [...organization.holders].map((team) => sumReserved(this.#stateOf({ team, period }), terms));
      return {
        reason: 'organization_budget_exceeded',
        limitPicoUsd: organization.limitPicoUsd,
        availablePicoUsd: addUsd(organization.availablePicoUsd, this.#stateOf(key).leasedPicoUsd),
        reservedPicoUsd: addUsd(...held.map(({ reservedPicoUsd }) => reservedPicoUsd)),
        reclaimablePicoUsd: addUsd(...held.map(({ reclaimablePicoUsd }) => reclaimablePicoUsd)),
      };
    }
  }

  /** Recalls idle leases; returns true if there were any. */
  #recallLeases(period: string, keeper: string | undefined, need: PicoUsd): boolean {
    const holders = [...(this.#organizations.get(period)?.holders ?? [])];
    const idle = holders
      .map((team) => ({ team, leasedPicoUsd: this.#stateOf({ team, period }).leasedPicoUsd }))
      .filter(({ team, leasedPicoUsd }) => team !== keeper && leasedPicoUsd > 0n);
    idle.sort((a, b) => Number(b.leasedPicoUsd - a.leasedPicoUsd) || (a.team < b.team ? -1 : 1));
    let short: bigint = need;
    for (const { team, leasedPicoUsd } of idle) {
      if (short <= 0n) break;
      const back = recallAmount(leasedPicoUsd, picoUsd(short));
      this.#move({ team, period }, picoUsd(-back));
      short -= back;
    }
    return idle.length > 0;
  }

  #stateOf(key: LedgerKey): LedgerState {
    return this.#states.get(ledgerMapKey(key)) as LedgerState;
  }

  #move(key: LedgerKey, amount: PicoUsd): void {
    const organization = this.#organizations.get(key.period) as OrganizationLedger;
    this.#organizations.set(key.period, grant(organization, key.team, amount));
    this.#states.set(ledgerMapKey(key), lease(this.#stateOf(key), amount));
  }

  async readOrganization(period: string): Promise<OrganizationLedger | undefined> {
    return this.#organizations.get(period);
  }

  #changeCap(period: string, cap: PicoUsd, change: (state: OrganizationLedger) => OrganizationLedger): void {
    const after = change(this.#organizations.get(period) ?? openOrganizationLedger(cap));
    this.#organizations.set(period, after);
    const endsAt = after.availablePicoUsd < 0n ? this.#nowEpochMs() : earliestTopUpEnd(after.topUps);
    for (const team of endsAt === undefined ? [] : after.holders) {
      const key = { team, period };
      this.#states.set(ledgerMapKey(key), endLease(this.#stateOf(key), endsAt as number));
    }
    if (after.availablePicoUsd < 0n) this.#recallLeases(period, undefined, picoUsd(-after.availablePicoUsd));
  }

  async setCap(period: string, cap: PicoUsd): Promise<void> {
    this.#changeCap(period, cap, (state) => changeLimit(state, cap));
  }

  async topUpCap(period: string, cap: PicoUsd, topUp: TopUp): Promise<void> {
    this.#changeCap(period, cap, (state) => addTopUp(state, topUp, this.#nowEpochMs()));
  }

  async settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerState> {
    const state = this.#states.get(ledgerMapKey(key));
    if (state === undefined) throw new Error('no such ledger');
    const after = settle(state, terms, settlement);
    this.#states.set(ledgerMapKey(key), after);
    return after;
  }

  lastSeen(key: LedgerKey): CachedLedgerView | undefined {
    const view = this.#states.get(ledgerMapKey(key));
    return view === undefined ? undefined : { view, seenAtEpochMs: this.#nowEpochMs() };
  }

  async read(key: LedgerKey): Promise<LedgerState | undefined> {
    return this.#states.get(ledgerMapKey(key));
  }

  async readEventuallyConsistent(key: LedgerKey): Promise<LedgerState | undefined> {
    return this.#states.get(ledgerMapKey(key));
  }

  async sweep(key: LedgerKey, nowEpochMs: number): Promise<void> {
    let state = this.#states.get(ledgerMapKey(key));
    if (state === undefined) return;
    state = expireTopUps(state, nowEpochMs);
    const controls = this.#withTeamControls(key.team, state);
    const missing = [...controls.revoked].some((keyId) => !state?.revoked.has(keyId));
    const differs = JSON.stringify(controls.pauses) !== JSON.stringify(state.pauses);
    if (missing || differs) state = controls;
    const forgotten = purgeableReservations(state, nowEpochMs);
    state = expireOverdue(state, nowEpochMs);
    const lapsed = new Map(state.lapsed);
    for (const { id } of forgotten) lapsed.delete(id);
    this.#states.set(ledgerMapKey(key), { ...state, lapsed });
  }

  async sweepCap(period: string, nowEpochMs: number): Promise<void> {
    const state = this.#organizations.get(period);
    if (state !== undefined) this.#changeCap(period, state.limitPicoUsd, (before) => expireTopUps(before, nowEpochMs));
  }

  /** Changes a ledger; opens it first if needed. */
  #change(key: LedgerKey, limitPicoUsd: PicoUsd, change: (state: LedgerState) => LedgerState): void {
    const pauses = { team: this.#pauses.get(key.team), organization: this.#pauseForAll };
    const revoked = new Set(this.#revoked.get(key.team)?.keys());
    this.#states.set(
      ledgerMapKey(key),
      change(this.#states.get(ledgerMapKey(key)) ?? { ...openLedger(limitPicoUsd, pauses), revoked }),
    );
  }

  async setLimit(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void> {
    this.#change(key, limitPicoUsd, (state) => this.#withTeamControls(key.team, changeLimit(state, limitPicoUsd)));
  }

  async topUp(key: LedgerKey, limitPicoUsd: PicoUsd, topUp: TopUp): Promise<void> {
    this.#change(key, limitPicoUsd, (state) => addTopUp(state, topUp, this.#nowEpochMs()));
  }

  async readPauses(team: string): Promise<Pauses> {
    return { team: this.#pauses.get(team), organization: this.#pauseForAll };
  }

  async setPause(team: string, pause: Pause | undefined): Promise<void> {
    if (pause === undefined) this.#pauses.delete(team);
    else this.#pauses.set(team, pause);
    this.#applyOpen(team);
  }

  async setPauseForAll(pause: Pause | undefined, listTeams: () => Promise<ReadonlySet<string>>): Promise<void> {
    this.#pauseForAll = pause;
    for (const team of await listTeams()) this.#applyOpen(team);
  }

  async revokeKey(team: string, keyId: string): Promise<void> {
    const now = this.#nowEpochMs();
    const lasting = [...(this.#revoked.get(team) ?? [])].filter(([, untilMs]) => untilMs > now);
    this.#revoked.set(team, new Map(lasting).set(keyId, now + 600_000));
    this.#applyOpen(team);
  }

  #withTeamControls(team: string, state: LedgerState): LedgerState {
    const pauses = { team: this.#pauses.get(team), organization: this.#pauseForAll };
    return { ...state, pauses, revoked: new Set(this.#revoked.get(team)?.keys()) };
  }

  /** Applies the controls to the periods in use around now. */
  #applyOpen(team: string): void {
    for (const hours of [-1, 0, 1]) {
      const name = ledgerMapKey({ team, period: periodAt(this.#nowEpochMs() + hours * 3_600_000) });
      const state = this.#states.get(name);
      if (state !== undefined) this.#states.set(name, this.#withTeamControls(team, state));
    }
  }
}

/** Expires overdue reservations, and purges old lapsed ones. */
function expireOverdue(state: LedgerState, nowEpochMs: number): LedgerState {
  const overdue = [...state.open.values()].filter((held) => held.expiresAtEpochMs <= nowEpochMs);
  if (overdue.length === 0) return state;
  const lapsed = new Map(state.lapsed);
  for (const { id } of purgeableReservations(state, nowEpochMs)) lapsed.delete(id);
  let after: LedgerState = { ...state, lapsed };
  for (const { id } of overdue) after = expire(after, id, nowEpochMs);
  return after;
}

function ledgerMapKey({ team, period }: LedgerKey): string {
  return `${team} ${period}`;
}
