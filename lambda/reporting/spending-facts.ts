import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';
import type { TokenPrices } from '../pricing/token-prices.ts';
import type { UsageRow } from '../usage/usage.ts';
import type { KeyNamesById } from '../usage/usage-report.ts';

/** What a team's ledger of a month has, in pico-dollars. */
export type MonthLedger = {
  readonly team: string;
  readonly period: Period;
  readonly limitPicoUsd: PicoUsd;
  readonly spentPicoUsd: PicoUsd;
  readonly reservedPicoUsd: PicoUsd;
  /** Parts of `spentPicoUsd`: taken at their bound because the outcome never came, and above their bound. */
  readonly assumedPicoUsd: PicoUsd;
  readonly overrunPicoUsd: PicoUsd;
};

/** All that reports of some weeks are made from, read at one time. */
export type SpendingFacts = {
  readonly environmentName: string;
  /** Whose; also those that made no call. */
  readonly teams: readonly string[];
  /** Of the weeks, of the week before each, and of the whole of each month that `ledgers` has. */
  readonly rows: readonly UsageRow[];
  readonly names: KeyNamesById;
  readonly ledgers: readonly MonthLedger[];
  /** The months whose ledgers were read: there, who has none has spent nothing. */
  readonly periods: ReadonlySet<Period>;
  /** What all teams together may spend; only to one who may know. */
  readonly caps: ReadonlyMap<Period, PicoUsd>;
  readonly prices: ReadonlyMap<string, TokenPrices>;
  readonly readAtEpochMs: number;
};

/** What a team's own people see of it: no other team, and not what all may spend together. */
export function spendingForTeam(facts: SpendingFacts, team: string): SpendingFacts {
  return {
    ...facts,
    teams: facts.teams.filter((one) => one === team),
    rows: facts.rows.filter((row) => row.team === team),
    ledgers: facts.ledgers.filter((ledger) => ledger.team === team),
    caps: new Map(),
  };
}
