/** What a long command does meanwhile, for the person who waits. */
export type Progress = {
  /** What is being done now. */
  showMessage(line: string): void;
  /** How much of something is done. */
  step(what: string, done: number, of: number): void;
  /** Takes the line away, before anything else is written. */
  end(): void;
};

/** Where progress is shown: as much of standard error as it takes. */
export type ProgressStream = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

/** For those whom nobody watches. */
export const SILENT_PROGRESS: Progress = { showMessage: () => {}, step: () => {}, end: () => {} };

const BAR = 20;
const COLUMNS = 80;
const CLEAR = '\r\x1b[2K';

/**
 * Shows progress on a terminal: one line that is drawn anew, dim unless NO_COLOR is set. A terminal that cannot redraw
 * (TERM=dumb) gets a line for what is new and no bars, and a pipe or a file gets nothing.
 */
export function showProgress(
  stream: ProgressStream,
  env: { readonly NO_COLOR?: string | undefined; readonly TERM?: string | undefined },
): Progress {
  if (stream.isTTY !== true) return SILENT_PROGRESS;
  if (env.TERM === 'dumb') return onDumbTerminal(stream);
  const [dim, plain] = env.NO_COLOR === undefined || env.NO_COLOR === '' ? ['\x1b[2m', '\x1b[22m'] : ['', ''];
  let shown = '';
  const draw = (line: string) => {
    // A line that wraps could not be drawn over. Some terminals say that they have no columns at all.
    const fitting = `  ${line}`.slice(0, (stream.columns || COLUMNS) - 1);
    if (fitting === shown) return;
    shown = fitting;
    stream.write(`${CLEAR}${dim}${fitting}${plain}`);
  };
  return {
    showMessage: draw,
    step: (what, done, of) => {
      const filled = of <= 0 ? BAR : Math.min(BAR, Math.floor((done / of) * BAR));
      draw(`${'#'.repeat(filled)}${'.'.repeat(BAR - filled)} ${done} of ${of} ${what}`);
    },
    end: () => {
      if (shown !== '') stream.write(CLEAR);
      shown = '';
    },
  };
}

function onDumbTerminal(stream: ProgressStream): Progress {
  let last = '';
  const showMessage = (line: string) => {
    if (line !== last) stream.write(`  ${line}\n`);
    last = line;
  };
  return { showMessage, step: (what) => showMessage(what), end: () => {} };
}
