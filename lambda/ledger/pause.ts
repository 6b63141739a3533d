/** A pause that a person has set. */
export type Pause = {
  /** Shown to callers and operators. */
  readonly reason: string;
  /** The time at which it ends by itself; undefined: when a person resumes the team. */
  readonly untilEpochMs: number | undefined;
};

/** The pauses that apply to a team: its own, and that of all teams. */
export type Pauses = {
  readonly team: Pause | undefined;
  readonly organization: Pause | undefined;
};

/** Neither pause. */
export const NOT_PAUSED: Pauses = { team: undefined, organization: undefined };

/** True while a pause is in force. */
export function isInForce(pause: Pause | undefined, nowEpochMs: number): pause is Pause {
  return pause !== undefined && (pause.untilEpochMs === undefined || pause.untilEpochMs > nowEpochMs);
}
