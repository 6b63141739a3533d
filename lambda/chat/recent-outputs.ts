/** How many completions are remembered of a team and model. */
const HISTORY_SIZE = 32;
/** How many teams and models are remembered. */
const MAX_SERIES = 1_000;
/** How far above the longest recent completion a usual one may still go. */
const LENGTH_SAFETY_FACTOR = 2;

/**
 * How long a team's completions have lately been, in this process. It only ever chooses how much to hold for a call
 * whose client left the length open and whose whole allowance does not fit; the bound sent to Groq is the one held, so
 * a wrong guess can shorten an answer and never overspend.
 */
export class RecentOutputs {
  readonly #series = new Map<string, number[]>();

  /** Remembers a completion's length. */
  record(team: string, model: string, completionTokens: number): void {
    const name = `${team} ${model}`;
    if (this.#series.size >= MAX_SERIES && !this.#series.has(name)) this.#series.clear();
    this.#series.set(name, [...(this.#series.get(name) ?? []).slice(1 - HISTORY_SIZE), completionTokens]);
  }

  /** The length within which the next completion most likely stays, or undefined before the first. */
  typicalLength(team: string, model: string): number | undefined {
    const series = this.#series.get(`${team} ${model}`);
    return series === undefined ? undefined : LENGTH_SAFETY_FACTOR * Math.max(...series);
  }
}
