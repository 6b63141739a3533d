/** The number of completions that are remembered per team and model. */
const HISTORY_SIZE = 32;
/** The maximum number of pairs of team and model that are remembered. */
const MAX_SERIES = 1_000;
/** The factor by which a typical completion may exceed the longest recent one. */
const LENGTH_SAFETY_FACTOR = 2;

/**
 * The lengths of a team's recent completions in this process. They only decide how much to reserve for a call without a
 * client's limit whose default limit does not fit the budget. Groq receives the limit that was reserved, so a wrong guess
 * can shorten an answer but never overspend.
 */
export class RecentOutputs {
  readonly #series = new Map<string, number[]>();

  /** Records the length of a completion. */
  record(team: string, model: string, completionTokens: number): void {
    const name = `${team} ${model}`;
    if (this.#series.size >= MAX_SERIES && !this.#series.has(name)) this.#series.clear();
    this.#series.set(name, [...(this.#series.get(name) ?? []).slice(1 - HISTORY_SIZE), completionTokens]);
  }

  /** The length that the next completion most likely stays within, or undefined before the first. */
  typicalLength(team: string, model: string): number | undefined {
    const series = this.#series.get(`${team} ${model}`);
    return series === undefined ? undefined : LENGTH_SAFETY_FACTOR * Math.max(...series);
  }
}
