import {
  changeLimit,
  expire,
  type LedgerState,
  lease,
  openLedger,
  type ReserveRefusal,
  type ReserveTerms,
  reserve,
  type Settlement,
  settle,
} from '../../lambda/core/ledger.ts';
import { addUsd, type PicoUsd, picoUsd } from '../../lambda/core/money.ts';
import {
  changeCap,
  drawableOf,
  grant,
  type OrganizationLedger,
  openOrganization,
  recallableOf,
} from '../../lambda/core/organization-ledger.ts';
import type { Budgets, Ledger, LedgerKey, ReserveResult, SeenLedger } from '../../lambda/core/ports.ts';

/** The ledger's model: core's transitions over a map, with the same lazy expiry as the real one. */
export class MemoryLedger implements Ledger {
  readonly #states = new Map<string, LedgerState>();
  readonly #organizations = new Map<string, OrganizationLedger>();
  readonly #nowEpochMs: () => number;

  constructor(nowEpochMs: () => number) {
    this.#nowEpochMs = nowEpochMs;
  }

  async reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult> {
    let state = this.#states.get(nameOf(key)) ?? openLedger(budgets.team);
    this.#states.set(nameOf(key), state);
    let result = reserve(state, terms);
    const blocked =
      'refused' in result && ['team_budget_exceeded', 'concurrency_exceeded'].includes(result.refused.reason);
    if (blocked) {
      for (const held of state.open.values()) state = expire(state, held.id, terms.nowEpochMs);
      result = reserve(state, terms);
    }
    this.#states.set(nameOf(key), state);
    if ('shortPicoUsd' in result) {
      const refused = this.#draw(key, result.shortPicoUsd, budgets.organization);
      state = this.#states.get(nameOf(key)) as LedgerState;
      if (refused !== undefined) return { kind: 'refused', refused, view: state };
      result = reserve(state, terms);
    }
    if ('shortPicoUsd' in result) throw new Error('a draw was too small');
    if ('refused' in result) return { kind: 'refused', refused: result.refused, view: state };
    this.#states.set(nameOf(key), result.state);
    return { kind: 'reserved', view: result.state };
  }

  /** Draws from the organisation, after calling back what lies idle in other teams, or says what is left. */
  #draw(key: LedgerKey, need: PicoUsd, cap: PicoUsd): ReserveRefusal | undefined {
    const { period } = key;
    for (;;) {
      const organization = this.#organizations.get(period) ?? openOrganization(cap);
      this.#organizations.set(period, organization);
      const amount = drawableOf(organization, need);
      if (amount !== undefined) {
        this.#move(key, amount);
        return undefined;
      }
      const holders = [...organization.holders].map((team) => ({ team, state: this.#stateOf({ team, period }) }));
      const idle = holders.filter(({ team, state }) => team !== key.team && state.leased > 0n);
      idle.sort((a, b) => Number(b.state.leased - a.state.leased) || (a.team < b.team ? -1 : 1));
      let short = need - organization.available;
      for (const { team, state } of idle) {
        if (short <= 0n) break;
        const back = recallableOf(state.leased, picoUsd(short));
        this.#move({ team, period }, picoUsd(-back));
        short -= back;
      }
      if (idle.length > 0) continue;
      return {
        reason: 'organization_budget_exceeded',
        leftPicoUsd: addUsd(organization.available, this.#stateOf(key).leased),
        heldPicoUsd: addUsd(...holders.map(({ state }) => state.reserved)),
      };
    }
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

  async setCap(period: string, cap: PicoUsd): Promise<void> {
    const state = this.#organizations.get(period);
    this.#organizations.set(period, state === undefined ? openOrganization(cap) : changeCap(state, cap));
  }

  async settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerState> {
    const state = this.#states.get(nameOf(key));
    if (state === undefined) throw new Error('no such ledger');
    const after = settle(state, terms.reservation.id, settlement);
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

  async readState(key: LedgerKey): Promise<LedgerState | undefined> {
    return this.#states.get(nameOf(key));
  }

  async setLimit(key: LedgerKey, limit: PicoUsd): Promise<void> {
    const state = this.#states.get(nameOf(key));
    this.#states.set(nameOf(key), state === undefined ? openLedger(limit) : changeLimit(state, limit));
  }
}

function nameOf({ team, period }: LedgerKey): string {
  return `${team} ${period}`;
}
