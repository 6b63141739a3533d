import { addUsd, type PicoUsd, picoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { earliestTopUpEnd, type TopUp } from './top-ups.ts';

/*
 * All teams together may not spend more than the organisation's cap, and their budgets may add up to more than it. So a
 * team holds and spends only money that it has drawn from the organisation's ledger, in blocks:
 *
 *   organisation: available ──draw (a block)──▶ team: leased ──reserve──▶ held ──settle──▶ spent
 *                     ▲                            │  ▲                     │
 *                     └──call back (idle leases)───┘  └──what was not used──┘
 *
 * `availablePicoUsd + grantedPicoUsd = limitPicoUsd`, and `grantedPicoUsd` is what all teams' `leasedPicoUsd + reservedPicoUsd + spentPicoUsd` add up to.
 *
 * What was drawn under a cap that falls, because it is lowered or a top-up of it ends, may not be spent under the new one.
 * So leases end: with the cap's first top-up, or at once when the cap is lowered below what was drawn. A team whose lease is
 * over brings back what lies idle before it draws anew, and what its calls give back later too, until the cap has room.
 */

/** The organisation's money for a period, in pico-dollars. */
export type OrganizationLedger = {
  readonly limitPicoUsd: PicoUsd;
  /** Not drawn by any team; below zero only through a lowered cap. */
  readonly availablePicoUsd: PicoUsd;
  /** Drawn by teams, whether idle, held or spent. */
  readonly grantedPicoUsd: PicoUsd;
  /** The teams that have drawn in this period. */
  readonly holders: ReadonlySet<string>;
  /** Temporary increases that `limitPicoUsd` has in it. */
  readonly topUps: ReadonlyMap<string, TopUp>;
};

/** A block is this part of the cap: small enough that idle leases strand little, large enough that draws are rare. */
const BLOCKS_PER_CAP = 20n;
/** When less than this part of the cap is left, a block is this part of the rest: the last of many teams finds some too. */
const SCARCITY_DIVISOR = 4n;

/** A fresh ledger for a period. */
export function openOrganizationLedger(limitPicoUsd: PicoUsd): OrganizationLedger {
  return {
    limitPicoUsd,
    availablePicoUsd: limitPicoUsd,
    grantedPicoUsd: ZERO_USD,
    holders: new Set(),
    topUps: new Map(),
  };
}

/** How much a team that lacks `need` draws: a block, or more where it needs more, or all of a rest that suffices. */
export function leaseBlockSize(state: OrganizationLedger, need: PicoUsd): PicoUsd | undefined {
  if (state.availablePicoUsd < need) return undefined;
  const block =
    state.availablePicoUsd * SCARCITY_DIVISOR >= state.limitPicoUsd
      ? state.limitPicoUsd / BLOCKS_PER_CAP
      : state.availablePicoUsd / SCARCITY_DIVISOR;
  const wanted = block > need ? block : need;
  return picoUsd(wanted > state.availablePicoUsd ? state.availablePicoUsd : wanted);
}

/** What a team whose lease is over brings back, and when its next one ends; undefined: never, `endedAtMs`: it owes still. */
export function settleExpiredLease(
  { availablePicoUsd, topUps }: OrganizationLedger,
  leasedPicoUsd: PicoUsd,
  endedAtEpochMs: number,
): { readonly amount: PicoUsd; readonly leaseEndsAtEpochMs: number | undefined } {
  const amount = leasedPicoUsd > 0n ? leasedPicoUsd : ZERO_USD;
  const owes = addUsd(availablePicoUsd, amount) < 0n;
  return { amount, leaseEndsAtEpochMs: owes ? endedAtEpochMs : earliestTopUpEnd(topUps) };
}

/** How much is called back from a team with idle leases when others lack `short`: that, or half of what lies idle. */
export function recallAmount(leasedPicoUsd: PicoUsd, short: PicoUsd): PicoUsd {
  const half = leasedPicoUsd / 2n;
  const wanted = half > short ? half : short;
  return picoUsd(wanted > leasedPicoUsd ? leasedPicoUsd : wanted);
}

/** Moves money to a team; a negative amount brings it back. */
export function grant(state: OrganizationLedger, team: string, amount: PicoUsd): OrganizationLedger {
  return {
    ...state,
    availablePicoUsd: subtractUsd(state.availablePicoUsd, amount),
    grantedPicoUsd: addUsd(state.grantedPicoUsd, amount),
    holders: new Set(state.holders).add(team),
  };
}
