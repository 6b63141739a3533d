import { addUsd, type PicoUsd, picoUsd, subtractUsd } from '../kernel/money.ts';

/** A temporary increase of a budget or of the organisation's cap, within one period. */
export type TopUp = {
  readonly id: string;
  readonly amountPicoUsd: PicoUsd;
  /** The time at which it ends. */
  readonly untilEpochMs: number;
};

/** A ledger whose limit can be topped up; `limitPicoUsd` includes the top-ups. */
type Limited = {
  readonly limitPicoUsd: PicoUsd;
  readonly availablePicoUsd: PicoUsd;
  readonly topUps: ReadonlyMap<string, TopUp>;
};

/** Returns the limit without its top-ups, as the policy states it. */
export function baseLimit({ limitPicoUsd, topUps }: Pick<Limited, 'limitPicoUsd' | 'topUps'>): PicoUsd {
  return subtractUsd(limitPicoUsd, addUsd(...[...topUps.values()].map(({ amountPicoUsd }) => amountPicoUsd)));
}

/**
 * Replaces the policy's part of a limit and keeps the top-ups. Spent and reserved money stays the same, so
 * `availablePicoUsd` may become negative.
 */
export function changeLimit<S extends Limited>(state: S, base: PicoUsd): S {
  const by = subtractUsd(base, baseLimit(state));
  return {
    ...state,
    limitPicoUsd: addUsd(state.limitPicoUsd, by),
    availablePicoUsd: addUsd(state.availablePicoUsd, by),
  };
}

/** The maximum number of top-ups in force: every write of the ledger pays for each. */
export const MAX_TOP_UPS = 10;

/** Adds a top-up. Idempotent; returns the same state too when {@link MAX_TOP_UPS} are in force. */
export function addTopUp<S extends Limited>(state: S, topUp: TopUp, nowEpochMs: number): S {
  if (state.topUps.has(topUp.id) || expireTopUps(state, nowEpochMs).topUps.size >= MAX_TOP_UPS) return state;
  return {
    ...state,
    limitPicoUsd: addUsd(state.limitPicoUsd, topUp.amountPicoUsd),
    availablePicoUsd: addUsd(state.availablePicoUsd, topUp.amountPicoUsd),
    topUps: new Map(state.topUps).set(topUp.id, topUp),
  };
}

/** Removes the ended top-ups; returns the same state when there are none. */
export function expireTopUps<S extends Limited>(state: S, nowEpochMs: number): S {
  const remaining = [...state.topUps].filter(([, { untilEpochMs }]) => untilEpochMs > nowEpochMs);
  if (remaining.length === state.topUps.size) return state;
  const base = baseLimit(state);
  const limitPicoUsd = addUsd(base, ...remaining.map(([, { amountPicoUsd }]) => amountPicoUsd));
  return {
    ...state,
    limitPicoUsd,
    availablePicoUsd: picoUsd(state.availablePicoUsd + limitPicoUsd - state.limitPicoUsd),
    topUps: new Map(remaining),
  };
}

/** Returns the end of the first top-up to end; undefined for none. */
export function earliestTopUpEnd(topUps: ReadonlyMap<string, TopUp>): number | undefined {
  return topUps.size === 0 ? undefined : Math.min(...[...topUps.values()].map(({ untilEpochMs }) => untilEpochMs));
}
