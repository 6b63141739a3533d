import type { PicoUsd } from '../kernel/money.ts';
import { billingDay, type Day } from '../kernel/period.ts';
import type { LedgerKey } from '../ledger/ports.ts';
import type { UsageGap } from './reconcile-usage.ts';
import { NO_USAGE, type UsageRow } from './usage.ts';

/** Spending of a ledger whose calls can no longer be determined, added to usage so that both match again. */
export type UsageAdjustment = LedgerKey & {
  /** Sequence number within the ledger, from 1. Each number is used once. */
  readonly sequence: number;
  /** The day on which the gap was found, within the period. */
  readonly day: Day;
  readonly spentPicoUsd: PicoUsd;
  readonly assumedPicoUsd: PicoUsd;
};

/** The key and model of adjustments, which no real key or model can have. */
export const UNATTRIBUTED = { keyId: '-', model: 'unattributed' } as const;

/** Builds the adjustment that closes a gap. `earlierAdjustments` is the ledger's count before the gap was measured. */
export function buildAdjustment(gap: UsageGap, earlierAdjustments: number, nowEpochMs: number): UsageAdjustment {
  const { team, period, spentPicoUsd, assumedPicoUsd } = gap;
  const day = billingDay(period, nowEpochMs);
  return { team, period, sequence: earlierAdjustments + 1, day, spentPicoUsd, assumedPicoUsd };
}

/** The row that an adjustment adds. */
export function toAdjustmentRow({ team, day, spentPicoUsd, assumedPicoUsd }: UsageAdjustment): UsageRow {
  return { ...NO_USAGE, ...UNATTRIBUTED, team, day, costPicoUsd: spentPicoUsd, assumedPicoUsd };
}
