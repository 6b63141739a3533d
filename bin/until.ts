import { dayStartEpochMs } from '../lambda/kernel/period.ts';
import { CommandError } from './command-error.ts';

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Parses an expiry to epoch milliseconds: a duration from now (`90m`, `4h`, `2d`), a day (its start in UTC), or a time with
 * its zone.
 *
 * @throws CommandError for any other text, and for a day that does not exist.
 */
export function parseUntil(text: string, nowEpochMs: number, option = '--until'): number {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return nowEpochMs + Number(count) * (UNIT_MS[unit] ?? 0);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const epochMs = isDay || isTime ? Date.parse(text) : Number.NaN;
  // `Date.parse` reads 30 February as 2 March.
  if (Number.isNaN(epochMs) || dayStartEpochMs(text.slice(0, 10)) === undefined)
    throw new CommandError(
      `${option} is "${text}"; it must be a duration (90m, 4h, 2d), a day (2026-11-30, from its start in UTC) or a time with its zone (2026-11-30T18:00Z)`,
    );
  return epochMs;
}
