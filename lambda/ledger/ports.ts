import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';
import type { OrganizationLedger } from './organization-ledger.ts';
import type { Pauses } from './pause.ts';
import type { LedgerState, LedgerView, ReserveRefusal, ReserveTerms, Settlement } from './reservation.ts';

/** Identifies the ledger of a team for a period. */
export type LedgerKey = { readonly team: string; readonly period: Period };

/** The amounts that a new period is opened with: the team's budget, and the organisation's cap. */
export type Budgets = { readonly team: PicoUsd; readonly organization: PicoUsd };

/** A ledger as this process last read or wrote it; it may be stale. */
export type CachedLedgerView = { readonly view: LedgerView; readonly seenAtEpochMs: number };

/** The result of a reserve; `view` is the ledger after it, or at the refusal. */
export type ReserveResult =
  | { readonly kind: 'reserved'; readonly view: LedgerView }
  | { readonly kind: 'refused'; readonly refused: ReserveRefusal; readonly view: LedgerView };

/**
 * The ledgers of teams. A warm reserve or settle is one conditional write, and idempotent. Each method throws a StoreError
 * when the store fails; the outcome is then unknown.
 */
export interface Ledger {
  /** Reserves money for a call, from the team's budget and under the organisation's cap. */
  reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult>;
  /** Ends a reservation made with these terms. */
  settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerView>;
  /** Returns the cached view, without I/O. */
  lastSeen(key: LedgerKey): CachedLedgerView | undefined;
  /** Reads the ledger consistently; undefined for a period that is not open. */
  read(key: LedgerKey): Promise<LedgerState | undefined>;
  /** Reads the ledger with eventual consistency, at half the price, for a waiting call. */
  readEventuallyConsistent(key: LedgerKey): Promise<LedgerState | undefined>;
  /** Reads the pauses that a period of the team is opened with. */
  readPauses(team: string): Promise<Pauses>;
  /** Reads the organisation's ledger; undefined for a period without a draw. */
  readOrganization(period: Period): Promise<OrganizationLedger | undefined>;
}
