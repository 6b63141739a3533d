import { addUsd, type PicoUsd, picoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { earliestTopUpEnd, type TopUp } from './top-ups.ts';

/*
 * All teams together must not spend more than the organisation's cap, although their budgets may add up to more. So a team
 * reserves and spends only money that it has leased from the organisation's ledger, in blocks:
 *
 *   organisation: available ──draw (a block)──▶ team: leased ──reserve──▶ reserved ──settle──▶ spent
 *                     ▲                            │  ▲                       │
 *                     └────recall (idle money)─────┘  └──────unused part──────┘
 *
 * Invariants: `availablePicoUsd + grantedPicoUsd = limitPicoUsd`, and `grantedPicoUsd` is the sum of all teams'
 * `leasedPicoUsd + reservedPicoUsd + spentPicoUsd`.
 *
 * A cap falls when it is lowered or when one of its top-ups ends. Money leased under the old cap must not be spent under the
 * new one, so leases end: with the cap's first top-up, or immediately when the cap is lowered below what is granted. A team
 * with an expired lease returns its idle money before it draws again, and later what its calls release, until the cap has
 * room.
 */

/** The organisation's money for a period, in pico-dollars. */
export type OrganizationLedger = {
  readonly limitPicoUsd: PicoUsd;
  /** Drawn by no team; negative only after the cap was lowered. */
  readonly availablePicoUsd: PicoUsd;
  /** Drawn by teams: idle, reserved or spent. */
  readonly grantedPicoUsd: PicoUsd;
  /** The teams that have drawn in this period. */
  readonly holders: ReadonlySet<string>;
  /** The temporary increases that `limitPicoUsd` includes. */
  readonly topUps: ReadonlyMap<string, TopUp>;
};

/** A block is this fraction of the cap: small enough to strand little idle money, large enough to make draws rare. */
const BLOCKS_PER_CAP = 20n;
/** When less than this fraction of the cap is left, a block is this fraction of the rest, so that each team finds some. */
const SCARCITY_DIVISOR = 4n;

/** Returns a fresh ledger for a period. */
export function openOrganizationLedger(limitPicoUsd: PicoUsd): OrganizationLedger {
  return {
    limitPicoUsd,
    availablePicoUsd: limitPicoUsd,
    grantedPicoUsd: ZERO_USD,
    holders: new Set(),
    topUps: new Map(),
  };
}

/** Returns the amount to draw: a block, at least `need`, and at most what is left; undefined when less than `need` is left. */
export function leaseBlockSize(state: OrganizationLedger, need: PicoUsd): PicoUsd | undefined {
  if (state.availablePicoUsd < need) return undefined;
  const block =
    state.availablePicoUsd * SCARCITY_DIVISOR >= state.limitPicoUsd
      ? state.limitPicoUsd / BLOCKS_PER_CAP
      : state.availablePicoUsd / SCARCITY_DIVISOR;
  const wanted = block > need ? block : need;
  return picoUsd(wanted > state.availablePicoUsd ? state.availablePicoUsd : wanted);
}

/**
 * Returns the amount that a team with an expired lease returns, and the end of its next lease: undefined for none, or the
 * same past time while the cap is still overdrawn.
 */
export function settleExpiredLease(
  { availablePicoUsd, topUps }: OrganizationLedger,
  leasedPicoUsd: PicoUsd,
  endedAtEpochMs: number,
): { readonly amount: PicoUsd; readonly leaseEndsAtEpochMs: number | undefined } {
  const amount = leasedPicoUsd > 0n ? leasedPicoUsd : ZERO_USD;
  const isOverdrawn = addUsd(availablePicoUsd, amount) < 0n;
  return { amount, leaseEndsAtEpochMs: isOverdrawn ? endedAtEpochMs : earliestTopUpEnd(topUps) };
}

/** Returns the amount to recall from a team when others lack `short`: that, or half of its idle money if that is more. */
export function recallAmount(leasedPicoUsd: PicoUsd, short: PicoUsd): PicoUsd {
  const half = leasedPicoUsd / 2n;
  const wanted = half > short ? half : short;
  return picoUsd(wanted > leasedPicoUsd ? leasedPicoUsd : wanted);
}

/** Moves money to a team; a negative amount moves it back. */
export function grant(state: OrganizationLedger, team: string, amount: PicoUsd): OrganizationLedger {
  return {
    ...state,
    availablePicoUsd: subtractUsd(state.availablePicoUsd, amount),
    grantedPicoUsd: addUsd(state.grantedPicoUsd, amount),
    holders: new Set(state.holders).add(team),
  };
}
