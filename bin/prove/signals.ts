const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A second signal within this time is the first one, forwarded by npm. */
const DUPLICATE_SIGNAL_MS = 1_000;
/** The shell's exit code for a command that Ctrl-C ended. */
const EXIT_CODE_INTERRUPTED = 130;

/**
 * Cleans up and exits on SIGINT, SIGTERM and SIGHUP. A second signal prints a warning, and a third exits at once. The
 * returned signal is aborted by the first; `dispose` removes the handlers.
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
      return console.error('Cleaning up. Press Ctrl-C once more to exit at once and leave everything as it is.');
    interruption.abort();
    // Writes to a closed terminal fail, which must not end the clean-up.
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
