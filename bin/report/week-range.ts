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
import { CommandError } from '../command-error.ts';

/** The maximum number of weeks in one report: a year. */
export const MAX_WEEKS = 53;

/**
 * The weeks of a report in order: `count` of them, ending with `week`, by default the last complete week.
 *
 * @throws CommandError for a week that is malformed, in the future, or older than the retention of usage.
 */
export function parseWeekRange(week: string | undefined, count: number, nowEpochMs: number): readonly IsoWeek[] {
  const last = week === undefined ? lastCompleteWeek(nowEpochMs) : readWeek(week, nowEpochMs);
  return Array.from({ length: count }, (_, index) => addWeeks(last, index + 1 - count));
}

function readWeek(text: string, nowEpochMs: number): IsoWeek {
  const parsed = parseWeek(text);
  if ('why' in parsed) throw new CommandError(`--week ${parsed.why}`);
  const { week } = parsed;
  const current = weekAt(nowEpochMs);
  if (week > current)
    throw new CommandError(`--week is ${week}, which is in the future; the current week is ${current}`);
  const oldest = weekAt(nowEpochMs - MAX_USAGE_DAYS * MS_PER_DAY);
  if (weekEndsAtEpochMs(week) <= nowEpochMs - MAX_USAGE_DAYS * MS_PER_DAY)
    throw new CommandError(
      `--week is ${week}, and usage is kept for ${MAX_USAGE_DAYS} days: the oldest week is ${oldest}; older reports are in the report bucket`,
    );
  return week;
}
