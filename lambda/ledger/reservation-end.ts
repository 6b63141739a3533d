import type { PicoUsd } from '../kernel/money.ts';
import type { CallTrace } from './call-trace.ts';
import type { LedgerKey } from './ports.ts';

/** How a reservation can end; a `correct` comes after an `expire`, and puts the truth in its place. */
export const RESERVATION_END_KINDS = ['settle', 'void', 'expire', 'correct'] as const;

/** The end of one reservation, as the ledger's stream tells it. An id and a kind name it: each happens once at most. */
export type ReservationEnd = {
  readonly kind: (typeof RESERVATION_END_KINDS)[number];
  readonly id: string;
  readonly keyId: string;
  readonly model: string;
  readonly costPicoUsd: PicoUsd;
  /** The most it could cost: what an expiry took for spent. */
  readonly maxCostPicoUsd: PicoUsd;
  readonly assumed: boolean;
  readonly promptTokens: number;
  /** The part of `promptTokens` that Groq had cached. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** The part of `completionTokens` that was reasoning. */
  readonly reasoningTokens: number;
  readonly trace: CallTrace;
  readonly atEpochMs: number;
};

/** An end, and the ledger that it is of. */
export type LedgerEnd = { readonly ledger: LedgerKey; readonly end: ReservationEnd };
