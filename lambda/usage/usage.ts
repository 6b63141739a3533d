import { addUsd, type PicoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { billingDay, type Day, type Period, periodDayRange } from '../kernel/period.ts';
import type { LedgerEnd, ReservationEnd } from '../ledger/reservation-end.ts';

/** What calls come to. */
export type UsageCounts = {
  /** Calls that Groq took, or may have taken; what it refused is in `voided`. */
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  /** How long Groq was waited for, over all requests and voids. */
  readonly upstreamMs: number;
  readonly costPicoUsd: PicoUsd;
  /** The part of the cost that is assumed, because the outcome never came. */
  readonly assumedPicoUsd: PicoUsd;
  /** Calls that Groq refused or never saw: they cost nothing. */
  readonly voided: number;
  /** Calls that nobody came back for: at their bound, and with no tokens. */
  readonly expired: number;
  /** Requests that the gateway itself refused, by their reason in the table of refusals: nothing of them is in the rest. */
  readonly refusals: Readonly<Record<string, number>>;
};

/** Whose calls, when and of what. */
export type UsageKey = {
  readonly team: string;
  readonly day: Day;
  readonly keyId: string;
  readonly model: string;
};

/** A day's calls of one key to one model. */
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

/** What one end adds, whatever came before it: so ends can be counted in any order. */
export function usageFromEnd(end: ReservationEnd): UsageCounts {
  const { kind, promptTokens, cachedTokens, completionTokens, reasoningTokens, costPicoUsd, maxCostPicoUsd } = end;
  const { upstreamMs } = end.trace;
  if (kind === 'void') return { ...NO_USAGE, voided: 1, upstreamMs };
  if (kind === 'expire')
    return { ...NO_USAGE, requests: 1, expired: 1, costPicoUsd: maxCostPicoUsd, assumedPicoUsd: maxCostPicoUsd };
  const assumedPicoUsd = end.assumed ? costPicoUsd : ZERO_USD;
  const counts = { ...NO_USAGE, promptTokens, cachedTokens, completionTokens, reasoningTokens, upstreamMs };
  if (kind === 'settle') return { ...counts, requests: 1, costPicoUsd, assumedPicoUsd };
  // A late void: a settlement always has a cost or tokens, since a usage of nothing is taken at the bound.
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

/** Adds counts. */
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

/** Adds up counts. */
export function sumUsage(counts: readonly UsageCounts[]): UsageCounts {
  return counts.reduce(addUsage, NO_USAGE);
}

/** Requests that the gateway itself refused, for whatever reason. */
export function sumRefusals({ refusals }: Pick<UsageCounts, 'refusals'>): number {
  return Object.values(refusals).reduce((sum, count) => sum + count, 0);
}

function addRefusals(a: UsageCounts['refusals'], b: UsageCounts['refusals']): UsageCounts['refusals'] {
  const added = Object.entries(b);
  if (added.length === 0) return a;
  return { ...a, ...Object.fromEntries(added.map(([reason, count]) => [reason, (a[reason] ?? 0) + count])) };
}

/** Where an end is counted. */
export function usageKeyFor({ ledger, end }: LedgerEnd): UsageKey {
  const day = billingDay(ledger.period, end.atEpochMs);
  return { team: ledger.team, day, keyId: end.keyId, model: end.model };
}

/** Folds ends into one row a team, day, key and model. */
export function foldEnds(ends: readonly LedgerEnd[]): readonly UsageRow[] {
  return foldRows(ends.map((entry) => ({ ...usageKeyFor(entry), ...usageFromEnd(entry.end) })));
}

/** Folds rows into one a team, day, key and model. */
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
 * What the ledger of a period has and the usage of a team has not: nothing, once the stream has drained. `rows` are the
 * team's, of any days.
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
