/** A calendar month in UTC, as `YYYY-MM`. */
export type Period = string;

const MS_PER_DAY = 86_400_000;

/** The year and month (1 to 12) in UTC of a time: civil-from-days, because core has no Date. */
function civilMonth(epochMs: number): { year: number; month: number } {
  // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days are shifted to eras that begin on 0000-03-01.
  const days = Math.floor(epochMs / MS_PER_DAY) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month };
}

/** The period a time falls into. */
export function periodOf(epochMs: number): Period {
  const { year, month } = civilMonth(epochMs);
  return `${year}-${String(month).padStart(2, '0')}`;
}

/** When the budget of a time's period is renewed, in ISO 8601. */
export function periodResetAt(epochMs: number): string {
  const { year, month } = civilMonth(epochMs);
  const [nextYear, nextMonth] = month === 12 ? [year + 1, 1] : [year, month + 1];
  return `${nextYear}-${String(nextMonth).padStart(2, '0')}-01T00:00:00Z`;
}
