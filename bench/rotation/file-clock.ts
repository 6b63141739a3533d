import { readFileSync } from 'node:fs';
import { shiftDate } from '../../bin/prove/shifted-date.ts';

/*
 * Preloaded by `node --import` into a gateway. Its clock is ahead by the milliseconds in a file, which a test writes, so that
 * a day of overlap passes during a few hundred calls. The product itself has no such switch.
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
