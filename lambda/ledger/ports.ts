import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';
import type { OrganizationLedger } from './organization-ledger.ts';
import type { Pauses } from './pause.ts';
import type { LedgerState, LedgerView, ReserveRefusal, ReserveTerms, Settlement } from './reservation.ts';

/** Which ledger: a team's, in a period. */
export type LedgerKey = { readonly team: string; readonly period: Period };

/** What new periods start with: a team's budget, and the cap of all teams together. */
export type Budgets = { readonly team: PicoUsd; readonly organization: PicoUsd };

/** A ledger as this process last saw it; others may have moved it since. */
export type CachedLedgerView = { readonly view: LedgerView; readonly seenAtEpochMs: number };

/** What a reserve came to; `view` is the ledger after it, or at the moment of the refusal. */
export type ReserveResult =
  | { readonly kind: 'reserved'; readonly view: LedgerView }
  | { readonly kind: 'refused'; readonly refused: ReserveRefusal; readonly view: LedgerView };

/**
 * The team ledgers. Every method is one conditional write when warm, and idempotent: repeating it changes nothing.
 * Each throws a StoreError when the store cannot answer, and then nothing may be assumed.
 */
export interface Ledger {
  /** Holds money for a call, of the team's budget and of the organisation's cap. */
  reserve(key: LedgerKey, budgets: Budgets, terms: ReserveTerms): Promise<ReserveResult>;
  /** Ends a reservation made with these terms. */
  settle(key: LedgerKey, terms: ReserveTerms, settlement: Settlement): Promise<LedgerView>;
  /** What this process last saw, without asking. */
  lastSeen(key: LedgerKey): CachedLedgerView | undefined;
  /** The ledger as it stands, or undefined in a period without a call yet. */
  read(key: LedgerKey): Promise<LedgerState | undefined>;
  /** The ledger as it stood a moment ago: cheap, for a call that waits. */
  readEventuallyConsistent(key: LedgerKey): Promise<LedgerState | undefined>;
  /** The pauses that a period of this team will be opened with. */
  readPauses(team: string): Promise<Pauses>;
  /** The organisation's ledger as it stands, or undefined in a period without a call yet. */
  readOrganization(period: Period): Promise<OrganizationLedger | undefined>;
}
