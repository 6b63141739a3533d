import { readFileSync } from 'node:fs';
import { shiftDate } from '../../bin/prove/shifted-date.ts';

/*
 * Preloaded by `node --import` into a gateway whose clock is led by whoever writes a file: every time it reads is moved by
 * as many milliseconds as the file says, so that a day of overlap passes while some hundred calls are made. The product
 * has no such switch.
 */
const file = process.env.LED_CLOCK_FILE ?? '';
const POLL_INTERVAL_MS = 10;
let shiftMs = read();
setInterval(() => {
  shiftMs = read();
}, POLL_INTERVAL_MS).unref();

function read(): number {
  try {
    return Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    return 0;
  }
}

shiftDate(() => shiftMs);
