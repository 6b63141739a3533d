import { didYouMean } from '../kernel/nearest-word.ts';
import { type Day, dayAt, dayStartEpochMs, MS_PER_DAY } from '../kernel/period.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';

/** Dimensions that usage can be grouped by. */
export const USAGE_GROUPS = ['day', 'team', 'key', 'model'] as const;
/** A dimension in {@link USAGE_GROUPS}. */
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** A usage query. Days are in UTC, inclusive. */
export type UsageQuery = { readonly from: Day; readonly to: Day; readonly groupBy: readonly UsageGroup[] };

/** Maximum number of days per query: the retention of usage. */
export const MAX_USAGE_DAYS = 400;

const PARAMETERS: readonly string[] = ['from', 'to', 'group_by'];

/** Parses the query parameters of `GET /openai/v1/usage`. The default is this month, by day. */
export function parseUsageQuery(
  parameters: Readonly<Record<string, readonly string[] | undefined>>,
  nowEpochMs: number,
): UsageQuery | Refusal {
  for (const [name, values] of Object.entries(parameters)) {
    if (!PARAMETERS.includes(name))
      return invalid(
        name,
        `is no parameter of this URL${didYouMean(name, PARAMETERS)}; it takes from, to and group_by`,
      );
    if ((values ?? []).length > 1) return invalid(name, 'is given twice; give it once, a list with commas');
  }
  const today = dayAt(nowEpochMs);
  const to = parameters.to?.[0] ?? today;
  const from = parameters.from?.[0] ?? `${to.slice(0, 7)}-01`;
  const ends = dayStartEpochMs(to);
  if (ends === undefined) return invalid('to', notADay(to));
  const starts = dayStartEpochMs(from);
  if (starts === undefined) return invalid('from', notADay(from));
  if (starts > ends) return invalid('from', `is ${from}, which is after ${to}, the last day; swap them`);
  const days = (ends - starts) / MS_PER_DAY + 1;
  if (days > MAX_USAGE_DAYS)
    return invalid(
      'from',
      `to "to" are ${days} days; ask for at most ${MAX_USAGE_DAYS}, in several requests if need be`,
    );
  const groupBy = parseGroups(parameters.group_by?.[0] ?? 'day');
  return 'reason' in groupBy ? groupBy : { from, to, groupBy };
}

function parseGroups(text: string): readonly UsageGroup[] | Refusal {
  const words = text.split(',').map((word) => word.trim());
  const groups = words.map((word) => USAGE_GROUPS.find((group) => group === word));
  const unknown = words.find((_, index) => groups[index] === undefined);
  if (unknown !== undefined)
    return invalid(
      'group_by',
      `has "${unknown.slice(0, 40)}"${didYouMean(unknown.slice(0, 40), USAGE_GROUPS)}; it is a list with commas of day, team, key and model`,
    );
  return [...new Set(groups)].filter((group) => group !== undefined);
}

function notADay(text: string): string {
  return `is "${text.slice(0, 40)}"; it must be a day in UTC such as 2026-11-30`;
}

function invalid(param: string, what: string): Refusal {
  return refuse('invalid_request', `"${param.slice(0, 40)}" ${what}.`, { param: param.slice(0, 40) });
}
