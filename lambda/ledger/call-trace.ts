/** What is told of a call beside its money: for those who count and watch, and never for those who admit. */
export type CallTrace = {
  /** How long Groq was waited for, in whole milliseconds. */
  readonly upstreamMs: number;
  readonly groqKeys: GroqKeyTrace;
};

/** Which Groq keys a call was sent with, by their ids. */
export type GroqKeyTrace = {
  /** The key that Groq took; undefined where none was sent, or none was taken. */
  readonly usedId: string | undefined;
  /** The keys that Groq did not take (401), in the order they were tried. */
  readonly refusedIds: readonly string[];
};

/** Of a call that was sent with no key. */
export const NO_GROQ_KEYS: GroqKeyTrace = { usedId: undefined, refusedIds: [] };

/** Of a call that was never sent. */
export const NO_TRACE: CallTrace = { upstreamMs: 0, groqKeys: NO_GROQ_KEYS };
