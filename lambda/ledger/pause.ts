/** A stop that a person has set. */
export type Pause = {
  /** Why, for callers and operators. */
  readonly reason: string;
  /** When it ends by itself; undefined: only when someone resumes. */
  readonly untilEpochMs: number | undefined;
};

/** The stops of a team: its own, and the one that all teams have together. */
export type Pauses = {
  readonly team: Pause | undefined;
  readonly organization: Pause | undefined;
};

/** No stop. */
export const NOT_PAUSED: Pauses = { team: undefined, organization: undefined };

/** Whether a stop holds at a time. */
export function isInForce(pause: Pause | undefined, nowEpochMs: number): pause is Pause {
  return pause !== undefined && (pause.untilEpochMs === undefined || pause.untilEpochMs > nowEpochMs);
}
