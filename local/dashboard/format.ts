/** The fewest decimals that show an amount of this size. */
export function decimalsFor(usd: number): number {
  const size = Math.abs(usd);
  if (size === 0 || size >= 1) return 2;
  return size >= 0.01 ? 4 : 6;
}

/** Dollars for people, of the API's exact decimal text or a number; never shown as nothing when it is something. */
export function money(usd: string | number, decimals = decimalsFor(Number(usd))): string {
  const amount = Number(usd);
  const least = 10 ** -decimals;
  if (amount !== 0 && Math.abs(amount) < least) return `< ${money(least, decimals)}`;
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  }).format(amount);
}

/** The decimals that a column of amounts is shown with, so that they align: its largest one's. */
export function columnDecimals(amounts: readonly (string | number)[]): number {
  return decimalsFor(Math.max(0, ...amounts.map((amount) => Math.abs(Number(amount)))));
}

/** Formats a whole number. */
export function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

/** A share as a percentage: one decimal below ten, and rounded down, so that no threshold shows before it is met. */
export function formatShare(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1%';
  const scale = value < 10 ? 10 : 1;
  // A binary fraction such as 0.29 * 100 is a hair below what it stands for.
  return `${Math.floor(value * scale + 1e-9) / scale}%`;
}

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];

/** How old something is, in its largest unit. */
export function formatAge(ageMs: number): string {
  if (ageMs < MINUTE_MS) return 'just now';
  if (ageMs < HOUR_MS) return `${Math.floor(ageMs / MINUTE_MS)} min`;
  if (ageMs < 2 * DAY_MS) return `${Math.floor(ageMs / HOUR_MS)} h`;
  return `${formatCount(Math.floor(ageMs / DAY_MS))} days`;
}

/** A date and time in UTC, to the minute: `25 Nov, 13:04`. */
export function formatMoment(at: string): string {
  return `${formatDay(at)}, ${at.slice(11, 16)}`;
}

/** A day: `25 Nov`. */
export function formatDay(day: string): string {
  return utc(day, { day: 'numeric', month: 'short' });
}

/** The day of the week: `Wed`. */
export function formatWeekday(day: string): string {
  return utc(day, { weekday: 'short' });
}

function utc(text: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' }).format(new Date(text));
}
