import type { BudgetLedger } from '../../lambda/core/budget-operations.ts';
import {
  expire,
  forgettable,
  heldIn,
  type LedgerState,
  lease,
  openLedger,
  type ReserveRefusal,
  type ReserveTerms,
  reserve,
  type Settlement,
  settle,
  withKey,
} from '../../lambda/core/ledger.ts';
import { addUsd, type PicoUsd, picoUsd } from '../../lambda/core/money.ts';
import {
  drawableOf,
  grant,
  type OrganizationLedger,
  openOrganization,
  recallableOf,
} from '../../lambda/core/organization-ledger.ts';
import type { Pause, Pauses } from '../../lambda/core/pause.ts';
import { periodOf } from '../../lambda/core/period.ts';
import type { Budgets, Ledger, LedgerKey, ReserveResult, SeenLedger } from '../../lambda/core/ports.ts';
import { addTopUp, changeLimit, endTopUps, type TopUp } from '../../lambda/core/top-ups.ts';

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
    if ('shortPicoUsd' in result) {
      const refused = this.#draw(key, result.shortPicoUsd, budgets.organization, terms);
      state = this.#stateOf(key);
      if (refused !== undefined) return { kind: 'refused', refused, view: state };
      result = reserve(state, terms);
    }
    if ('shortPicoUsd' in result) throw new Error('a draw was too small');
    if ('refused' in result) return { kind: 'refused', refused: result.refused, view: state };
    this.#states.set(nameOf(key), result.state);
    return { kind: 'reserved', view: result.state };
  }

  /** Draws from the organisation, after calling back what lies idle in other teams, or says what is left. */
  #draw(key: LedgerKey, need: PicoUsd, cap: PicoUsd, terms: ReserveTerms): ReserveRefusal | undefined {
    const { period } = key;
    const seen = this.#organizations.get(period) ?? openOrganization(cap);
    this.#organizations.set(period, seen);
    const now = this.#nowEpochMs();
    if (endTopUps(seen, now) !== seen) this.#changeCap(period, cap, (state) => endTopUps(state, now), key.team);
    for (;;) {
      const organization = this.#organizations.get(period) as OrganizationLedger;
      const amount = drawableOf(organization, need);
      if (amount !== undefined) {
        this.#move(key, amount);
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

  #changeCap(
    period: string,
    cap: PicoUsd,
    change: (state: OrganizationLedger) => OrganizationLedger,
    keeper?: string,
  ): void {
    const after = change(this.#organizations.get(period) ?? openOrganization(cap));
    this.#organizations.set(period, after);
    if (after.available < 0n) this.#callBack(period, keeper, picoUsd(-after.available));
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
    this.#change(key, limit, (state) => changeLimit(state, limit));
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
    this.#pauseOpen(team, (pauses) => ({ ...pauses, team: pause }));
  }

  async setPauseOfAll(pause: Pause | undefined, listTeams: () => Promise<ReadonlySet<string>>): Promise<void> {
    this.#pauseOfAll = pause;
    for (const team of await listTeams()) this.#pauseOpen(team, (pauses) => ({ ...pauses, organization: pause }));
  }

  async revokeKey(team: string, keyId: string): Promise<void> {
    const now = this.#nowEpochMs();
    const lasting = [...(this.#revoked.get(team) ?? [])].filter(([, untilMs]) => untilMs > now);
    const revoked = new Map(lasting).set(keyId, now + 600_000);
    this.#revoked.set(team, revoked);
    this.#changeOpen(team, (state) => ({ ...state, revoked: new Set(revoked.keys()) }));
  }

  #pauseOpen(team: string, change: (pauses: Pauses) => Pauses): void {
    this.#changeOpen(team, (state) => ({ ...state, pauses: change(state.pauses) }));
  }

  /** In the periods that are in use around now. */
  #changeOpen(team: string, change: (state: LedgerState) => LedgerState): void {
    for (const minutes of [-10, 0, 10]) {
      const name = nameOf({ team, period: periodOf(this.#nowEpochMs() + minutes * 60_000) });
      const state = this.#states.get(name);
      if (state !== undefined) this.#states.set(name, change(state));
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
