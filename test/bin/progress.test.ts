import { describe, expect, it } from 'vitest';
import { showProgress } from '../../bin/progress.ts';

function renderProgress(stream: { isTTY?: boolean; columns?: number }, env: { NO_COLOR?: string; TERM?: string } = {}) {
  const written: string[] = [];
  const progress = showProgress({ ...stream, write: (text) => written.push(text) }, env);
  progress.showMessage('opening');
  progress.step('teams read', 1, 4);
  progress.step('teams read', 1, 4);
  progress.step('teams read', 4, 4);
  progress.end();
  progress.end();
  return written;
}
const CLEAR = '\r\u001b[2K';

describe('progress', () => {
  it('is one line on a terminal, redrawn when it changes and cleared at the end', () => {
    expect(renderProgress({ isTTY: true }, { NO_COLOR: '1' })).toEqual([
      `${CLEAR}  opening`,
      `${CLEAR}  #####............... 1 of 4 teams read`,
      `${CLEAR}  #################### 4 of 4 teams read`,
      CLEAR,
    ]);
  });

  it('is dim unless NO_COLOR is set', () => {
    expect(renderProgress({ isTTY: true })[0]).toBe(`${CLEAR}\u001b[2m  opening\u001b[22m`);
    expect(renderProgress({ isTTY: true }, { NO_COLOR: '' })[0]).toContain('\u001b[2m');
  });

  it('never wraps, because a wrapped line cannot be redrawn', () => {
    for (const line of renderProgress({ isTTY: true, columns: 20 }, { NO_COLOR: '1' }))
      expect(line.replace(CLEAR, '').length).toBeLessThan(20);
  });

  it('is complete on a terminal that reports 0 columns', () => {
    expect(renderProgress({ isTTY: true, columns: 0 }, { NO_COLOR: '1' })[0]).toBe(`${CLEAR}  opening`);
  });

  it('is a plain line for each activity on a terminal that cannot redraw', () => {
    expect(renderProgress({ isTTY: true }, { TERM: 'dumb' })).toEqual(['  opening\n', '  teams read\n']);
  });

  it('is empty in a pipe', () => {
    expect(renderProgress({})).toEqual([]);
    expect(renderProgress({ isTTY: false }, { TERM: 'xterm' })).toEqual([]);
  });
});
