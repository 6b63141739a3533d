import { readFileSync } from 'node:fs';
import { shiftDate } from './shifted-date.ts';

/*
 * Preloaded by `node --import` into a gateway whose clock a test controls through the file in CLOCK_FILE, so that days pass
 * in seconds, or a month ends at a given moment. The file holds the milliseconds that the clock is ahead, or `@` and the
 * epoch milliseconds at which it stands still. The product itself has no such switch.
 */
const file = process.env.CLOCK_FILE ?? '';
const POLL_INTERVAL_MS = 10;
const readRealClock = Date.now;
let setting = read();
setInterval(() => {
  setting = read();
}, POLL_INTERVAL_MS).unref();

function read(): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

shiftDate(() => (setting.startsWith('@') ? Number(setting.slice(1)) - readRealClock() : Number(setting) || 0));
