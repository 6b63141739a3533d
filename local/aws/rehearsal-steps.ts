import type { CommandResult } from './run-command.ts';

/** Limit of a failed step's output on the terminal, in characters; the end is kept. */
const MAX_FAULT_CHARACTERS = 6_000;

/** Runs the steps of a rehearsal, and counts and prints their results. */
export class RehearsalSteps {
  passed = 0;
  failed = 0;

  /** Runs one step. It fails if `work` returns a fault or throws. */
  async run(title: string, work: () => Promise<string | undefined>): Promise<void> {
    const startMs = performance.now();
    const fault = await work().catch((error: unknown) =>
      error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    );
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    console.log(`${fault === undefined ? 'ok  ' : 'FAIL'} ${title} (${seconds} s)`);
    if (fault === undefined) {
      this.passed++;
      return;
    }
    this.failed++;
    console.log(`     ${fault.slice(-MAX_FAULT_CHARACTERS).replaceAll('\n', '\n     ')}`);
  }
}

/** Returns the fault of a command: an unexpected exit code, or expected output that is missing. */
export function checkResult(
  { code, output }: CommandResult,
  { ok = true, expectedOutput = [] }: { readonly ok?: boolean; readonly expectedOutput?: readonly RegExp[] } = {},
): string | undefined {
  if ((code === 0) !== ok) return `exit code ${code}:\n${output}`;
  const missing = expectedOutput.find((pattern) => !pattern.test(output));
  return missing === undefined ? undefined : `the output lacks ${missing}:\n${output}`;
}
