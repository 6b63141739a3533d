const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A second signal within this time is npm passing on the first, in milliseconds. */
const DUPLICATE_SIGNAL_MS = 1_000;
/** What a shell calls a command that Ctrl-C ended. */
const EXIT_CODE_INTERRUPTED = 130;

/**
 * Cleans up and ends the process on Ctrl-C, on a request to end, and when its terminal is closed. A second signal does
 * not skip that, a third does. The signal returned is aborted by the first; `dispose` ends the watch.
 */
export function cleanUpOnSignals(cleanUp: () => Promise<void>): { readonly signal: AbortSignal; dispose(): void } {
  const interruption = new AbortController();
  let [signalCount, lastMs] = [0, Number.NEGATIVE_INFINITY];
  const onSignal = () => {
    if (performance.now() - lastMs < DUPLICATE_SIGNAL_MS) return;
    lastMs = performance.now();
    signalCount++;
    if (signalCount > 2) process.exit(EXIT_CODE_INTERRUPTED);
    if (signalCount === 2)
      return console.error('Cleaning up first; once more ends it at once, and leaves what there is.');
    interruption.abort();
    // A terminal that is closed takes no more words, which must not end the clean-up.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
    cleanUp().then(
      () => process.exit(EXIT_CODE_INTERRUPTED),
      (error: unknown) => {
        console.error(`error: ${error instanceof Error ? error.message : error}`);
        process.exit(1);
      },
    );
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: interruption.signal,
    dispose: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
