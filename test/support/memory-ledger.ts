import {
  changeLimit,
  expire,
  type LedgerState,
  openLedger,
  type ReserveTerms,
  reserve,
  type Settlement,
  settle,
} from '../../lambda/core/ledger.ts';
import type { PicoUsd } from '../../lambda/core/money.ts';
import type { Ledger, LedgerKey, ReserveResult, SeenLedger } from '../../lambda/core/ports.ts';

/** The ledger's model: core's transitions over a map, with the same lazy expiry as the real one. */
export class MemoryLedger implements Ledger {
  readonly #states = new Map<string, LedgerState>();
  readonly #nowEpochMs: () => number;

  constructor(nowEpochMs: () => number) {
    this.#nowEpochMs = nowEpochMs;
  }

  async reserve(key: LedgerKey, limit: PicoUsd, terms: ReserveTerms): Promise<ReserveResult> {
    let state = this.#states.get(nameOf(key)) ?? openLedger(limit);
    let result = reserve(state, terms);
    const blocked =
      'refused' in result && ['team_budget_exceeded', 'concurrency_exceeded'].includes(result.refused.reason);
    if (blocked) {
      for (const held of state.open.values()) state = expire(state, held.id, terms.nowEpochMs);
      result = reserve(state, terms);
    }
    const after = 'state' in result ? result.state : state;
    this.#states.set(nameOf(key), after);
    return 'state' in result
      ? { kind: 'reserved', view: after }
      : { kind: 'refused', refused: result.refused, view: after };
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
