/** Cuts a text to a number of code points, and marks the cut; never leaves half of a character. */
export function cutText(text: string, maxCodePoints: number): string {
  const whole = text.toWellFormed();
  if (whole.length <= maxCodePoints) return whole;
  // A code point has two UTF-16 units at most, so no more of a long text is split into characters.
  const points = Array.from(whole.slice(0, 2 * maxCodePoints + 2));
  return points.length <= maxCodePoints ? whole : `${points.slice(0, maxCodePoints).join('')}…`;
}
