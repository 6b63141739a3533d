import type { PicoUsd } from '../kernel/money.ts';
import { billingDay, type Day } from '../kernel/period.ts';
import type { LedgerKey } from '../ledger/ports.ts';
import type { UsageGap } from './reconcile-usage.ts';
import { NO_USAGE, type UsageRow } from './usage.ts';

/** What of a ledger nobody knows any more which calls it was spent on, put into the usage so that both are one again. */
export type UsageAdjustment = LedgerKey & {
  /** The how manieth of this ledger, from 1: each happens once. */
  readonly sequence: number;
  /** When it was found out, within the period. */
  readonly day: Day;
  readonly spentPicoUsd: PicoUsd;
  readonly assumedPicoUsd: PicoUsd;
};

/** The key and the model of adjustments: neither a key's id nor a model's. */
export const UNATTRIBUTED = { keyId: '-', model: 'unattributed' } as const;

/** The adjustment that closes a gap, `earlier` of which were made before it was looked for. */
export function buildAdjustment(gap: UsageGap, earlier: number, nowEpochMs: number): UsageAdjustment {
  const { team, period, spentPicoUsd, assumedPicoUsd } = gap;
  const day = billingDay(period, nowEpochMs);
  return { team, period, sequence: earlier + 1, day, spentPicoUsd, assumedPicoUsd };
}

/** The row that an adjustment adds to. */
export function toAdjustmentRow({ team, day, spentPicoUsd, assumedPicoUsd }: UsageAdjustment): UsageRow {
  return { ...NO_USAGE, ...UNATTRIBUTED, team, day, costPicoUsd: spentPicoUsd, assumedPicoUsd };
}
