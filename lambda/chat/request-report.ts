import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';
import type { Refusal } from '../kernel/refusals.ts';
import type { LedgerView, Settlement } from '../ledger/reservation.ts';

/** The outcome of a call that was sent to Groq. */
export type CallOutcome = {
  readonly model: string;
  /** The period whose budget paid: the one in which the call was admitted. */
  readonly period: Period;
  readonly settlement: Settlement;
  readonly maxCostPicoUsd: PicoUsd;
  /** True if Groq's response was complete. Without readable usage, it is still charged at its maximum cost. */
  readonly isComplete: boolean;
  /** When the first token of a stream arrived, on the monotonic clock. */
  readonly firstTokenAtMs?: number | undefined;
  /** The ledger after the settlement, if that could be written. */
  readonly view?: LedgerView | undefined;
};

/** The facts about one request that are logged and counted; never a prompt, a completion or a key. */
export type RequestReport = {
  readonly requestId: string;
  readonly atEpochMs: number;
  /** Undefined for a key of the whole organisation. */
  readonly team: string | undefined;
  readonly keyId: string;
  /** The requested model; empty if there is none, or if the catalog does not have it. */
  readonly model: string;
  /** The refusal by the gateway or Groq. */
  readonly refusal?: Refusal | undefined;
  /** Undefined for a request that was never sent to Groq. */
  readonly ended?: CallOutcome | undefined;
  /** True if the client was disconnected because it read its stream too slowly. */
  readonly isReaderCutOff?: boolean;
  /** From the arrival of the request to the end of the response. */
  readonly totalMs: number;
  /** From the arrival of the request to the first token of a stream. */
  readonly firstTokenMs?: number | undefined;
};

/** Receives a report of each request after its response. No response and no money depends on its success. */
export interface RequestRecorder {
  record(report: RequestReport): void;
  /** Writes what is due; awaited after the client has the whole response. Never throws. */
  flushDue(): Promise<void>;
}
