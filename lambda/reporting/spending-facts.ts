import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';
import type { TokenPrices } from '../pricing/token-prices.ts';
import type { UsageRow } from '../usage/usage.ts';
import type { KeyNamesById } from '../usage/usage-report.ts';

/** Amounts of a team's ledger of a month. */
export type MonthLedger = {
  readonly team: string;
  readonly period: Period;
  readonly limitPicoUsd: PicoUsd;
  readonly spentPicoUsd: PicoUsd;
  readonly reservedPicoUsd: PicoUsd;
  /** The part of `spentPicoUsd` charged at maximum cost, because the outcome of a call never arrived. */
  readonly assumedPicoUsd: PicoUsd;
  /** The part of `spentPicoUsd` above the maximum cost of its calls. */
  readonly overrunPicoUsd: PicoUsd;
};

/** Input of the reports of consecutive weeks, read at one time. */
export type SpendingFacts = {
  readonly environmentName: string;
  /** Every team, also without a call. */
  readonly teams: readonly string[];
  /** Rows of the weeks, of the week before each, and of every month in `ledgers`. */
  readonly rows: readonly UsageRow[];
  readonly names: KeyNamesById;
  readonly ledgers: readonly MonthLedger[];
  /** The months whose ledgers were read. A team without a ledger in one of them has spent nothing. */
  readonly periods: ReadonlySet<Period>;
  /** The organisation's cap by month; empty if the reader may not see it. */
  readonly caps: ReadonlyMap<Period, PicoUsd>;
  readonly prices: ReadonlyMap<string, TokenPrices>;
  readonly readAtEpochMs: number;
};

/** Restricts facts to what one team may see: no other team, and no organisation's cap. */
export function spendingForTeam(facts: SpendingFacts, team: string): SpendingFacts {
  return {
    ...facts,
    teams: facts.teams.filter((name) => name === team),
    rows: facts.rows.filter((row) => row.team === team),
    ledgers: facts.ledgers.filter((ledger) => ledger.team === team),
    caps: new Map(),
  };
}
