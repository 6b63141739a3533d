import { toUsdString } from '../../lambda/kernel/money.ts';
import { renderTextTable } from '../../lambda/kernel/text-table.ts';
import type { LedgerKey } from '../../lambda/ledger/ports.ts';
import { formatLedgerKey, type UsageGap } from '../../lambda/usage/reconcile-usage.ts';
import type { UsageAdjustment } from '../../lambda/usage/usage-adjustment.ts';
import type { ReplayResult } from './replay.ts';

/** The result of `usage rebuild`. */
export type RebuildReport = {
  readonly replayed: ReplayResult;
  /** Ledgers whose usage is complete. */
  readonly equal: number;
  readonly gaps: readonly UsageGap[];
  readonly adjusted: readonly UsageAdjustment[];
  /** Ledgers with calls in progress. */
  readonly busy: readonly LedgerKey[];
  /** Nothing is missing any more, and every ledger was compared. */
  readonly isWhole: boolean;
};

/** Renders the result as one line of JSON. */
export function renderRebuildJson({ replayed, equal, gaps, adjusted, busy, isWhole }: RebuildReport): string {
  const facts = { ...replayed, equal, isWhole };
  return JSON.stringify({ ...facts, gaps: gaps.map(toJson), adjusted: adjusted.map(toJson), busy });
}

function toJson({ spentPicoUsd, assumedPicoUsd, ...rest }: UsageGap | UsageAdjustment): object {
  return { ...rest, spent_usd: toUsdString(spentPicoUsd), assumed_usd: toUsdString(assumedPicoUsd) };
}

/** Renders the result for a terminal. */
export function renderRebuild({ replayed, equal, gaps, adjusted, busy }: RebuildReport): string {
  const { records, counted, unreadable } = replayed;
  const lines = [
    `Read ${records} stream records and counted ${counted} calls or batches of refusals that usage was missing.`,
    ...(unreadable === 0 ? [] : [`${unreadable} records are unreadable: see unreadable_record in docs/operations.md.`]),
    `The usage of ${equal} ledgers is complete.`,
  ];
  if (gaps.length > 0) {
    const rows = gaps.map(({ team, period, spentPicoUsd, assumedPicoUsd, isExact }) => [
      team,
      period,
      `${isExact ? '' : 'at least '}$${toUsdString(spentPicoUsd)}`,
      `$${toUsdString(assumedPicoUsd)}`,
    ]);
    const heading =
      adjusted.length > 0
        ? 'Recorded as unattributed (key "-", model "unattributed"):'
        : 'Missing from usage, and no longer in the stream (--adjust --reason <text> records it as unattributed):';
    lines.push(heading, renderTextTable(['team', 'period', 'spent', 'assumed'], rows));
  }
  if (busy.length > 0)
    lines.push(`Not compared, because calls are in progress: ${busy.map(formatLedgerKey).join(', ')}.`);
  return lines.join('\n');
}
