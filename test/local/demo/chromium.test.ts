import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChromium } from '../../../local/demo/chromium.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'chromium-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function program(name: string, mode: number): string {
  const file = join(dir, name);
  writeFileSync(file, '');
  chmodSync(file, mode);
  return file;
}

describe('a Chromium', () => {
  it('is the one that is named, before any other', () => {
    const named = program('mine', 0o755);
    program('chromium', 0o755);
    expect(findChromium({ CHROMIUM: named, PATH: dir })).toBe(named);
  });

  it('is none where the one that is named cannot be run, so that no other is taken for it', () => {
    expect(findChromium({ CHROMIUM: program('text', 0o644), PATH: process.env.PATH })).toBeUndefined();
    expect(findChromium({ CHROMIUM: join(dir, 'nowhere') })).toBeUndefined();
  });

  it('is one on the path, unless Debian’s is there', () => {
    const found = program('chromium', 0o755);
    expect(['/usr/bin/chromium', found]).toContain(findChromium({ PATH: `${dir}:/nowhere` }));
  });
});
