/** Maximum number of grid lines above zero. */
const MAX_LINES = 4;
const STEPS = [1, 2, 2.5, 5, 10];

/** The amounts of grid lines, and the decimals that show them exactly. */
export type Grid = { readonly linesUsd: readonly number[]; readonly decimals: number };

/** Chooses round amounts from zero to the largest amount or just above. */
export function chooseGrid(largestUsd: number): Grid {
  if (!(largestUsd > 0)) return { linesUsd: [0, 1], decimals: 0 };
  const minStep = largestUsd / MAX_LINES;
  const magnitude = 10 ** Math.floor(Math.log10(minStep));
  // The tolerance keeps a float error from choosing a larger step.
  const factor = STEPS.find((multiple) => multiple * magnitude >= minStep * (1 - 1e-9)) ?? 10;
  const step = factor * magnitude;
  const count = Math.ceil(largestUsd / step - 1e-9);
  const decimals = Math.max(
    0,
    -Math.floor(Math.log10(magnitude) + 1e-9) + (factor === 2.5 ? 1 : factor === 10 ? -1 : 0),
  );
  return {
    linesUsd: Array.from({ length: count + 1 }, (_, index) => index * step),
    // Dollars are shown with two decimals or none.
    decimals: decimals === 1 ? 2 : decimals,
  };
}
