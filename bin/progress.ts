/** The progress of a long command, shown to the operator. */
export type Progress = {
  /** Shows the current activity. */
  showMessage(line: string): void;
  /** Shows how many of `total` items are done. */
  step(activity: string, done: number, total: number): void;
  /** Clears the line. Must be called before other output. */
  end(): void;
};

/** The part of standard error that progress needs. */
export type ProgressStream = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

/** Shows nothing. */
export const SILENT_PROGRESS: Progress = { showMessage: () => {}, step: () => {}, end: () => {} };

const BAR = 20;
const COLUMNS = 80;
const CLEAR = '\r\x1b[2K';

/**
 * Shows progress on a terminal in one line that is redrawn, dim unless NO_COLOR is set. A terminal that cannot redraw
 * (TERM=dumb) gets one line for each new activity; a pipe or a file gets nothing.
 */
export function showProgress(
  stream: ProgressStream,
  env: { readonly NO_COLOR?: string | undefined; readonly TERM?: string | undefined },
): Progress {
  if (stream.isTTY !== true) return SILENT_PROGRESS;
  if (env.TERM === 'dumb') return showLines(stream);
  const [dim, plain] = env.NO_COLOR === undefined || env.NO_COLOR === '' ? ['\x1b[2m', '\x1b[22m'] : ['', ''];
  let shown = '';
  const draw = (line: string) => {
    // A wrapped line cannot be redrawn. Some terminals report 0 columns.
    const fitting = `  ${line}`.slice(0, (stream.columns || COLUMNS) - 1);
    if (fitting === shown) return;
    shown = fitting;
    stream.write(`${CLEAR}${dim}${fitting}${plain}`);
  };
  return {
    showMessage: draw,
    step: (activity, done, total) => {
      const filled = total <= 0 ? BAR : Math.min(BAR, Math.floor((done / total) * BAR));
      draw(`${'#'.repeat(filled)}${'.'.repeat(BAR - filled)} ${done} of ${total} ${activity}`);
    },
    end: () => {
      if (shown !== '') stream.write(CLEAR);
      shown = '';
    },
  };
}

function showLines(stream: ProgressStream): Progress {
  let last = '';
  const showMessage = (line: string) => {
    if (line !== last) stream.write(`  ${line}\n`);
    last = line;
  };
  return { showMessage, step: (activity) => showMessage(activity), end: () => {} };
}
