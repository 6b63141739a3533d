import type { PicoUsd } from '../../lambda/kernel/money.ts';
import type { ChatModel } from '../../lambda/pricing/catalog.ts';

/** The call that a scenario repeats. */
export type CallTemplate = {
  readonly model: ChatModel;
  /** A message whose response uses all of `outputTokens`. */
  readonly prompt: string;
  readonly outputTokens: number;
  /** The expected cost of one call. */
  readonly costPicoUsd: PicoUsd;
};

/** A team's name and key. */
export type TeamCredential = { readonly team: string; readonly key: string };

/** A ledger's totals. */
export type LedgerTotals = {
  readonly spentPicoUsd: PicoUsd;
  readonly reservedPicoUsd: PicoUsd;
  readonly assumedPicoUsd: PicoUsd;
  readonly overrunPicoUsd: PicoUsd;
};

/** The upstream's own count since it started. */
export type UpstreamCounter = {
  read(): Promise<{ readonly billed: PicoUsd; readonly requests: number; readonly inFlight: number }>;
};
