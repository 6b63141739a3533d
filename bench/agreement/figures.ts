/** A source's exact figures for a run, as text. A source may lack some of them. */
export type Figures = Readonly<Record<string, string>>;

/** A named source of figures. */
export type Source = { readonly name: string; readonly figures: Figures };

/** One figure with each source's value; it agrees when all sources that have it are equal. */
export type FigureComparison = {
  readonly figure: string;
  readonly reported: readonly (string | undefined)[];
  readonly agrees: boolean;
};

/** Compares sources figure by figure. A figure of a single source does not agree. */
export function compareSources(sources: readonly Source[]): readonly FigureComparison[] {
  const names = [...new Set(sources.flatMap(({ figures }) => Object.keys(figures)))].sort();
  return names.map((figure) => {
    const reported = sources.map(({ figures }) => figures[figure]);
    const known = reported.filter((value) => value !== undefined);
    return { figure, reported, agrees: known.length > 1 && new Set(known).size === 1 };
  });
}

/** Tokens of one model, as figures. */
export function tokenFigures(
  model: string,
  counts: {
    readonly promptTokens: number;
    readonly cachedTokens: number;
    readonly completionTokens: number;
    readonly reasoningTokens: number;
  },
): Figures {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = counts;
  return {
    [`${model} prompt tokens`]: String(promptTokens),
    [`${model} cached tokens`]: String(cachedTokens),
    [`${model} completion tokens`]: String(completionTokens),
    [`${model} reasoning tokens`]: String(reasoningTokens),
  };
}

/** Refusals by reason, as figures. */
export function refusalFigures(refusals: Readonly<Record<string, number>>): Figures {
  return Object.fromEntries(Object.entries(refusals).map(([reason, count]) => [`refused: ${reason}`, String(count)]));
}
