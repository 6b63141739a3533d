import { shiftDate } from './shifted-date.ts';

/*
 * Preloaded by `node --import` into a gateway whose clock is to be another: every time it reads is moved by so many
 * milliseconds. The product has no such switch.
 */
const shiftMs = Number(process.env.PROVE_CLOCK_SHIFT_MS ?? 0);

shiftDate(() => shiftMs);
