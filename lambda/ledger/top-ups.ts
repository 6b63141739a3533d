import { addUsd, type PicoUsd, picoUsd, subtractUsd } from '../kernel/money.ts';

/** A temporary increase of a budget or of the organisation's cap, within one period. */
export type TopUp = {
  readonly id: string;
  readonly amountPicoUsd: PicoUsd;
  /** From when on it counts no more. */
  readonly untilEpochMs: number;
};

/** Whatever has a limit that can be topped up: `limitPicoUsd` includes the top-ups that have not been ended. */
type Limited = {
  readonly limitPicoUsd: PicoUsd;
  readonly availablePicoUsd: PicoUsd;
  readonly topUps: ReadonlyMap<string, TopUp>;
};

/** The limit without its top-ups: what the policy says. */
export function baseLimit({ limitPicoUsd, topUps }: Pick<Limited, 'limitPicoUsd' | 'topUps'>): PicoUsd {
  return subtractUsd(limitPicoUsd, addUsd(...[...topUps.values()].map(({ amountPicoUsd }) => amountPicoUsd)));
}

/**
 * Moves what the policy gives by the difference, and leaves top-ups on it; what is spent and held stays as it is, so
 * `availablePicoUsd` may go below zero.
 */
export function changeLimit<S extends Limited>(state: S, base: PicoUsd): S {
  const by = subtractUsd(base, baseLimit(state));
  return {
    ...state,
    limitPicoUsd: addUsd(state.limitPicoUsd, by),
    availablePicoUsd: addUsd(state.availablePicoUsd, by),
  };
}

/** How many increases may be in force at once: each rides on every write of the ledger. */
export const MAX_TOP_UPS = 10;

/** Adds a top-up; the same state for one that is there already, told twice, and for one too many. */
export function addTopUp<S extends Limited>(state: S, topUp: TopUp, nowEpochMs: number): S {
  if (state.topUps.has(topUp.id) || expireTopUps(state, nowEpochMs).topUps.size >= MAX_TOP_UPS) return state;
  return {
    ...state,
    limitPicoUsd: addUsd(state.limitPicoUsd, topUp.amountPicoUsd),
    availablePicoUsd: addUsd(state.availablePicoUsd, topUp.amountPicoUsd),
    topUps: new Map(state.topUps).set(topUp.id, topUp),
  };
}

/** Takes off the top-ups whose time is over; the same state when there are none. */
export function expireTopUps<S extends Limited>(state: S, nowEpochMs: number): S {
  const lasting = [...state.topUps].filter(([, { untilEpochMs }]) => untilEpochMs > nowEpochMs);
  if (lasting.length === state.topUps.size) return state;
  const base = baseLimit(state);
  const limitPicoUsd = addUsd(base, ...lasting.map(([, { amountPicoUsd }]) => amountPicoUsd));
  return {
    ...state,
    limitPicoUsd,
    availablePicoUsd: picoUsd(state.availablePicoUsd + limitPicoUsd - state.limitPicoUsd),
    topUps: new Map(lasting),
  };
}

/** When the first of them ends, or undefined for none. */
export function earliestTopUpEnd(topUps: ReadonlyMap<string, TopUp>): number | undefined {
  return topUps.size === 0 ? undefined : Math.min(...[...topUps.values()].map(({ untilEpochMs }) => untilEpochMs));
}
