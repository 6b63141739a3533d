/** Waits a random while, at most so many milliseconds: those that met on one item must not meet there again. */
export async function pauseWithin(mostMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * mostMs));
}
