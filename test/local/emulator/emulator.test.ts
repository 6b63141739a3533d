import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { LAUNCHER_FILE, REQUIREMENTS_FILE } from '../../../local/emulator/emulator.ts';
import { findPython, findVenv, type Venv } from '../../../local/emulator/python.ts';
import { StartError } from '../../../local/settings.ts';

/** The emulator's Python, or the reason why there is none. Tests install nothing. */
function emulatorVenv(): Venv | string {
  try {
    return findVenv(REQUIREMENTS_FILE, findPython()) ?? 'the emulator is not installed yet';
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
}

describe('the emulator’s launcher', () => {
  it('finds every private name of the pinned ministack that its fixes use', ({ skip }) => {
    const venv = emulatorVenv();
    if (typeof venv === 'string') return skip(venv);
    const check = spawnSync(venv.python, [LAUNCHER_FILE, '--check'], { encoding: 'utf8' });
    expect(check.stderr).not.toContain('error:');
    expect(check.stdout).toMatch(/^\d+ private names of ministack found\n$/);
    expect(check.status).toBe(0);
  });
});
