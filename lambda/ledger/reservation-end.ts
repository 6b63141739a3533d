import type { PicoUsd } from '../kernel/money.ts';
import type { CallTrace } from './call-trace.ts';
import type { LedgerKey } from './ports.ts';

/** The ways a reservation ends. A `correct` follows an `expire` and replaces its assumed cost by the true one. */
export const RESERVATION_END_KINDS = ['settle', 'void', 'expire', 'correct'] as const;

/** The end of one reservation, as the ledger's stream delivers it. Its id and kind identify it: each happens at most once. */
export type ReservationEnd = {
  readonly kind: (typeof RESERVATION_END_KINDS)[number];
  readonly id: string;
  readonly keyId: string;
  readonly model: string;
  readonly costPicoUsd: PicoUsd;
  /** The maximum cost, which an expiry charges. */
  readonly maxCostPicoUsd: PicoUsd;
  readonly assumed: boolean;
  readonly promptTokens: number;
  /** The part of `promptTokens` that Groq had in its cache. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** The part of `completionTokens` that was reasoning. */
  readonly reasoningTokens: number;
  readonly trace: CallTrace;
  readonly atEpochMs: number;
};

/** An end, and the ledger it belongs to. */
export type LedgerEnd = { readonly ledger: LedgerKey; readonly end: ReservationEnd };
