import type { Clock } from '../../lambda/kernel/clock.ts';
import { START_MS } from './ledger/ledger-fixtures.ts';

/** A clock that only advances in `sleep`, which returns at once. `at` schedules a callback. */
export function fakeClock(): Clock & { sleptMs(): number; at(ms: number, event: () => Promise<unknown>): void } {
  let elapsedMs = 0;
  const events: { ms: number; event: () => Promise<unknown> }[] = [];
  return {
    nowEpochMs: () => START_MS + Math.round(elapsedMs),
    monotonicMs: () => elapsedMs,
    random: () => 0.5,
    async sleep(ms) {
      elapsedMs += ms;
      for (const due of events.filter((event) => event.ms <= elapsedMs)) {
        events.splice(events.indexOf(due), 1);
        await due.event();
      }
    },
    sleptMs: () => elapsedMs,
    at: (ms, event) => events.push({ ms, event }),
  };
}
