import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';
import type { Refusal } from '../kernel/refusals.ts';
import type { LedgerView, Settlement } from '../ledger/reservation.ts';

/** How a call ended that was sent to Groq: what its ledger was told, or would have been. */
export type CallOutcome = {
  readonly model: string;
  /** Whose budget paid: around a month's end, the one that the call began in. */
  readonly period: Period;
  readonly settlement: Settlement;
  /** The most it could cost. */
  readonly maxCostPicoUsd: PicoUsd;
  /** Whether Groq answered it to its end; one whose usage could not be read all the same stands at its bound. */
  readonly isComplete: boolean;
  /** When the first token of a stream came, on the clock for durations. */
  readonly firstTokenAtMs?: number | undefined;
  /** The ledger after it, where it could be written. */
  readonly view?: LedgerView | undefined;
};

/** What became of one request; never a prompt, a completion or a key. */
export type RequestReport = {
  readonly requestId: string;
  readonly atEpochMs: number;
  /** Undefined for a key of the organisation. */
  readonly team: string | undefined;
  readonly keyId: string;
  /** The model that was asked for; empty for none, and for one that the catalog has not. */
  readonly model: string;
  /** What the caller was refused by: the gateway, or Groq. */
  readonly refusal?: Refusal | undefined;
  /** Undefined for what was never sent to Groq. */
  readonly ended?: CallOutcome | undefined;
  /** From the request's arrival to its answer's end. */
  readonly totalMs: number;
  /** The same to the first token of a stream. */
  readonly firstTokenMs?: number | undefined;
};

/** Who is told of each request once it has been answered. Whatever it fails to do, no answer and no money depends on it. */
export interface RequestRecorder {
  record(report: RequestReport): void;
  /** Writes down what is due; awaited when the caller has the whole answer. Never throws. */
  flushDue(): Promise<void>;
}
