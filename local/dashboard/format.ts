/** The minimum number of decimals that shows an amount of this size. */
export function decimalsFor(usd: number): number {
  const size = Math.abs(usd);
  if (size === 0 || size >= 1) return 2;
  return size >= 0.01 ? 4 : 6;
}

/** Formats dollars. An amount that would round to zero is shown as `< $0.01` or smaller. */
export function money(usd: string | number, decimals = decimalsFor(Number(usd))): string {
  const amount = Number(usd);
  const smallest = 10 ** -decimals;
  if (amount !== 0 && Math.abs(amount) < smallest) return `< ${money(smallest, decimals)}`;
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  }).format(amount);
}

/** The decimals of a column of amounts, chosen for the largest one, so that the column aligns. */
export function columnDecimals(amounts: readonly (string | number)[]): number {
  return decimalsFor(Math.max(0, ...amounts.map((amount) => Math.abs(Number(amount)))));
}

/** Formats a whole number. */
export function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

/** Formats a share as a percentage, with one decimal below ten. It rounds down, so that no threshold shows before it is reached. */
export function formatShare(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1%';
  const scale = value < 10 ? 10 : 1;
  // Floats such as 0.29 * 100 are slightly too small.
  return `${Math.floor(value * scale + 1e-9) / scale}%`;
}

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];

/** Formats an age in its largest unit. */
export function formatAge(ageMs: number): string {
  if (ageMs < MINUTE_MS) return 'just now';
  if (ageMs < HOUR_MS) return `${Math.floor(ageMs / MINUTE_MS)} min`;
  if (ageMs < 2 * DAY_MS) return `${Math.floor(ageMs / HOUR_MS)} h`;
  return `${formatCount(Math.floor(ageMs / DAY_MS))} days`;
}

/** Formats a UTC time to the minute: `25 Nov, 13:04`. */
export function formatMoment(at: string): string {
  return `${formatDay(at)}, ${at.slice(11, 16)}`;
}

/** Formats a day: `25 Nov`. */
export function formatDay(day: string): string {
  return utc(day, { day: 'numeric', month: 'short' });
}

/** Formats the day of the week: `Wed`. */
export function formatWeekday(day: string): string {
  return utc(day, { weekday: 'short' });
}

function utc(text: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' }).format(new Date(text));
}
