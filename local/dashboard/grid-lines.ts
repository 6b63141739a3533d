/** How many lines a chart has at most, besides the one at nothing. */
const LINES = 4;
const STEPS = [1, 2, 2.5, 5, 10];

/** The amounts at which a chart has lines, and the decimals that show them exactly. */
export type Grid = { readonly linesUsd: readonly number[]; readonly decimals: number };

/** Round amounts from nothing to the largest or just above it. */
export function chooseGrid(largestUsd: number): Grid {
  if (!(largestUsd > 0)) return { linesUsd: [0, 1], decimals: 0 };
  const rough = largestUsd / LINES;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  // A hair of a binary fraction must not make a step twice as long.
  const factor = STEPS.find((one) => one * magnitude >= rough * (1 - 1e-9)) ?? 10;
  const step = factor * magnitude;
  const count = Math.ceil(largestUsd / step - 1e-9);
  const decimals = Math.max(
    0,
    -Math.floor(Math.log10(magnitude) + 1e-9) + (factor === 2.5 ? 1 : factor === 10 ? -1 : 0),
  );
  return {
    linesUsd: Array.from({ length: count + 1 }, (_, index) => index * step),
    // Money has two decimals or none.
    decimals: decimals === 1 ? 2 : decimals,
  };
}
