import { MS_PER_DAY } from '../../lambda/kernel/period.ts';
import {
  addWeeks,
  type IsoWeek,
  lastCompleteWeek,
  parseWeek,
  weekAt,
  weekEndsAtEpochMs,
} from '../../lambda/reporting/iso-week.ts';
import { MAX_USAGE_DAYS } from '../../lambda/usage/usage-query.ts';
import { CommandError } from '../deployment.ts';

/** The most weeks of one report: a year. */
export const MAX_WEEKS = 53;

/**
 * The weeks that are asked for, in order: `weeks` of them up to `week`, which is the last whole one by default.
 *
 * @throws CommandError for what names no week, has not begun, or is older than what is kept.
 */
export function parseWeekRange(week: string | undefined, weeks: string, nowEpochMs: number): readonly IsoWeek[] {
  const count = Number(weeks);
  if (!/^\d+$/.test(weeks) || count < 1 || count > MAX_WEEKS)
    throw new CommandError(`--weeks is "${weeks}"; it must be a whole number from 1 to ${MAX_WEEKS}`);
  const last = week === undefined ? lastCompleteWeek(nowEpochMs) : readWeek(week, nowEpochMs);
  return Array.from({ length: count }, (_, index) => addWeeks(last, index + 1 - count));
}

function readWeek(text: string, nowEpochMs: number): IsoWeek {
  const parsed = parseWeek(text);
  if ('why' in parsed) throw new CommandError(`--week ${parsed.why}`);
  const { week } = parsed;
  const current = weekAt(nowEpochMs);
  if (week > current) throw new CommandError(`--week is ${week}, which has not begun; the current week is ${current}`);
  const oldest = weekAt(nowEpochMs - MAX_USAGE_DAYS * MS_PER_DAY);
  if (weekEndsAtEpochMs(week) <= nowEpochMs - MAX_USAGE_DAYS * MS_PER_DAY)
    throw new CommandError(
      `--week is ${week}, and usage is kept for ${MAX_USAGE_DAYS} days: the oldest week is ${oldest}; older reports are in the reports' bucket`,
    );
  return week;
}
