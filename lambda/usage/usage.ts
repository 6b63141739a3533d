import { addUsd, type PicoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { billingDay, type Day, type Period, periodDayRange } from '../kernel/period.ts';
import type { LedgerEnd, ReservationEnd } from '../ledger/reservation-end.ts';

/** Counts and cost of calls. */
export type UsageCounts = {
  /** Calls that Groq accepted, or may have accepted; calls that it refused are in `voided`. */
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  /** Total time waiting for Groq, including voided calls. */
  readonly upstreamMs: number;
  readonly costPicoUsd: PicoUsd;
  /** The part of the cost that is assumed, because a call's outcome never arrived. */
  readonly assumedPicoUsd: PicoUsd;
  /** Calls that Groq refused or never received, at no cost. */
  readonly voided: number;
  /** Calls whose reservation expired, at their maximum cost and with no tokens. */
  readonly expired: number;
  /** Requests that the gateway refused itself, by reason; not included in any other count. */
  readonly refusals: Readonly<Record<string, number>>;
};

/** The key of a usage row. */
export type UsageKey = {
  readonly team: string;
  readonly day: Day;
  readonly keyId: string;
  readonly model: string;
};

/** Usage of one key and model on one day. */
export type UsageRow = UsageKey & UsageCounts;

/** No calls. */
export const NO_USAGE: UsageCounts = {
  requests: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  upstreamMs: 0,
  costPicoUsd: ZERO_USD,
  assumedPicoUsd: ZERO_USD,
  voided: 0,
  expired: 0,
  refusals: {},
};

/** The counts that an end adds. They do not depend on earlier ends, so ends can be counted in any order. */
export function usageFromEnd(end: ReservationEnd): UsageCounts {
  const { kind, promptTokens, cachedTokens, completionTokens, reasoningTokens, costPicoUsd, maxCostPicoUsd } = end;
  const { upstreamMs } = end.trace;
  if (kind === 'void') return { ...NO_USAGE, voided: 1, upstreamMs };
  if (kind === 'expire')
    return { ...NO_USAGE, requests: 1, expired: 1, costPicoUsd: maxCostPicoUsd, assumedPicoUsd: maxCostPicoUsd };
  const assumedPicoUsd = end.assumed ? costPicoUsd : ZERO_USD;
  const counts = { ...NO_USAGE, promptTokens, cachedTokens, completionTokens, reasoningTokens, upstreamMs };
  if (kind === 'settle') return { ...counts, requests: 1, costPicoUsd, assumedPicoUsd };
  // Without cost and tokens it is a late void: a settlement with an empty usage is charged its maximum cost.
  const isVoid = costPicoUsd === 0n && promptTokens + completionTokens === 0;
  return {
    ...counts,
    requests: isVoid ? -1 : 0,
    voided: isVoid ? 1 : 0,
    expired: -1,
    costPicoUsd: subtractUsd(costPicoUsd, maxCostPicoUsd),
    assumedPicoUsd: subtractUsd(assumedPicoUsd, maxCostPicoUsd),
  };
}

/** Adds two counts. */
export function addUsage(a: UsageCounts, b: UsageCounts): UsageCounts {
  return {
    requests: a.requests + b.requests,
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    upstreamMs: a.upstreamMs + b.upstreamMs,
    costPicoUsd: addUsd(a.costPicoUsd, b.costPicoUsd),
    assumedPicoUsd: addUsd(a.assumedPicoUsd, b.assumedPicoUsd),
    voided: a.voided + b.voided,
    expired: a.expired + b.expired,
    refusals: addRefusals(a.refusals, b.refusals),
  };
}

/** Sums counts. */
export function sumUsage(counts: readonly UsageCounts[]): UsageCounts {
  return counts.reduce(addUsage, NO_USAGE);
}

/** The number of requests that the gateway refused itself, for any reason. */
export function sumRefusals({ refusals }: Pick<UsageCounts, 'refusals'>): number {
  return Object.values(refusals).reduce((sum, count) => sum + count, 0);
}

function addRefusals(a: UsageCounts['refusals'], b: UsageCounts['refusals']): UsageCounts['refusals'] {
  const additions = Object.entries(b);
  if (additions.length === 0) return a;
  return { ...a, ...Object.fromEntries(additions.map(([reason, count]) => [reason, (a[reason] ?? 0) + count])) };
}

/** The row in which an end is counted. */
export function usageKeyFor({ ledger, end }: LedgerEnd): UsageKey {
  const day = billingDay(ledger.period, end.atEpochMs);
  return { team: ledger.team, day, keyId: end.keyId, model: end.model };
}

/** Folds ends into one row per team, day, key and model. */
export function foldEnds(ends: readonly LedgerEnd[]): readonly UsageRow[] {
  return foldRows(ends.map((entry) => ({ ...usageKeyFor(entry), ...usageFromEnd(entry.end) })));
}

/** Folds rows into one per team, day, key and model. */
export function foldRows(parts: readonly UsageRow[]): readonly UsageRow[] {
  const rows = new Map<string, UsageRow>();
  for (const part of parts) {
    const { team, day, keyId, model } = part;
    const name = JSON.stringify([team, day, keyId, model]);
    rows.set(name, { team, day, keyId, model, ...addUsage(rows.get(name) ?? NO_USAGE, part) });
  }
  return [...rows.values()];
}

/**
 * Spending of a team's ledger that its usage lacks. It is zero once the stream has drained, and negative if usage has more.
 * `rows` may include other periods.
 */
export function usageGap(
  rows: readonly UsageRow[],
  period: Period,
  ledger: { readonly spentPicoUsd: PicoUsd; readonly assumedPicoUsd: PicoUsd },
): { readonly spentPicoUsd: PicoUsd; readonly assumedPicoUsd: PicoUsd } {
  const { from, to } = periodDayRange(period);
  const counted = sumUsage(rows.filter(({ day }) => day >= from && day <= to));
  return {
    spentPicoUsd: subtractUsd(ledger.spentPicoUsd, counted.costPicoUsd),
    assumedPicoUsd: subtractUsd(ledger.assumedPicoUsd, counted.assumedPicoUsd),
  };
}
