const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A second signal within this time is npm passing on the first, in milliseconds. */
const SAME_SIGNAL_MS = 1_000;
/** What a shell calls a command that Ctrl-C ended. */
const ENDED_BY_SIGNAL = 130;

/**
 * Cleans up and ends the process on Ctrl-C, on a request to end, and when its terminal is closed. A second signal does
 * not skip that, a third does. The signal returned is aborted by the first; `forget` ends the watch.
 */
export function cleanUpOnSignals(cleanUp: () => Promise<void>): { readonly signal: AbortSignal; forget(): void } {
  const givenUp = new AbortController();
  let [heard, lastMs] = [0, Number.NEGATIVE_INFINITY];
  const hear = () => {
    if (performance.now() - lastMs < SAME_SIGNAL_MS) return;
    lastMs = performance.now();
    heard++;
    if (heard > 2) process.exit(ENDED_BY_SIGNAL);
    if (heard === 2) return console.error('Cleaning up first; once more ends it at once, and leaves what there is.');
    givenUp.abort();
    // A terminal that is closed takes no more words, which must not end the clean-up.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
    cleanUp().then(
      () => process.exit(ENDED_BY_SIGNAL),
      (error: unknown) => {
        console.error(`error: ${error instanceof Error ? error.message : error}`);
        process.exit(1);
      },
    );
  };
  for (const name of SIGNALS) process.on(name, hear);
  return {
    signal: givenUp.signal,
    forget: () => {
      for (const name of SIGNALS) process.off(name, hear);
    },
  };
}
