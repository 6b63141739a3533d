import { addUsd, type PicoUsd, picoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { type TopUp, topUpsEndAt } from './top-ups.ts';

/*
 * All teams together may not spend more than the organisation's cap, and their budgets may add up to more than it. So a
 * team holds and spends only money that it has drawn from the organisation's ledger, in blocks:
 *
 *   organisation: available ──draw (a block)──▶ team: leased ──reserve──▶ held ──settle──▶ spent
 *                     ▲                            │  ▲                     │
 *                     └──call back (idle leases)───┘  └──what was not used──┘
 *
 * `available + granted = limit`, and `granted` is what all teams' `leased + reserved + spent` add up to.
 *
 * What was drawn under a cap that falls, because it is lowered or a top-up of it ends, may not be spent under the new one.
 * So leases end: with the cap's first top-up, or at once when the cap is lowered below what was drawn. A team whose lease is
 * over brings back what lies idle before it draws anew, and what its calls give back later too, until the cap has room.
 */

/** The organisation's money for a period, in pico-dollars. */
export type OrganizationLedger = {
  readonly limit: PicoUsd;
  /** Not drawn by any team; below zero only through a lowered cap. */
  readonly available: PicoUsd;
  /** Drawn by teams, whether idle, held or spent. */
  readonly granted: PicoUsd;
  /** The teams that have drawn in this period. */
  readonly holders: ReadonlySet<string>;
  /** Temporary increases that `limit` has in it. */
  readonly topUps: ReadonlyMap<string, TopUp>;
};

/** A block is this part of the cap: small enough that idle leases strand little, large enough that draws are rare. */
const BLOCKS = 20n;
/** When less than this part of the cap is left, a block is this part of the rest: the last of many teams finds some too. */
const SCARCE = 4n;

/** A fresh ledger for a period. */
export function openOrganization(limit: PicoUsd): OrganizationLedger {
  return { limit, available: limit, granted: ZERO_USD, holders: new Set(), topUps: new Map() };
}

/** How much a team that lacks `need` draws: a block, or more where it needs more, or all of a rest that suffices. */
export function drawableOf(state: OrganizationLedger, need: PicoUsd): PicoUsd | undefined {
  if (state.available < need) return undefined;
  const block = state.available * SCARCE >= state.limit ? state.limit / BLOCKS : state.available / SCARCE;
  const wanted = block > need ? block : need;
  return picoUsd(wanted > state.available ? state.available : wanted);
}

/** What a team whose lease is over brings back, and when its next one ends; undefined: never, `endedAtMs`: it owes still. */
export function returnOf(
  { available, topUps }: OrganizationLedger,
  leased: PicoUsd,
  endedAtEpochMs: number,
): { readonly amount: PicoUsd; readonly leaseEndsAtEpochMs: number | undefined } {
  const amount = leased > 0n ? leased : ZERO_USD;
  const owes = addUsd(available, amount) < 0n;
  return { amount, leaseEndsAtEpochMs: owes ? endedAtEpochMs : topUpsEndAt(topUps) };
}

/** How much is called back from a team with idle leases when others lack `short`: that, or half of what lies idle. */
export function recallableOf(leased: PicoUsd, short: PicoUsd): PicoUsd {
  const half = leased / 2n;
  const wanted = half > short ? half : short;
  return picoUsd(wanted > leased ? leased : wanted);
}

/** Moves money to a team; a negative amount brings it back. */
export function grant(state: OrganizationLedger, team: string, amount: PicoUsd): OrganizationLedger {
  return {
    ...state,
    available: subtractUsd(state.available, amount),
    granted: addUsd(state.granted, amount),
    holders: new Set(state.holders).add(team),
  };
}
