import middy from '@middy/core';
import { isObject } from '../../kernel/json-object.ts';
import { didYouMean } from '../../kernel/nearest-word.ts';
import { addWeeks, type IsoWeek, parseWeek, weekAt } from '../iso-week.ts';
import { renderWidget, renderWidgetError, WIDGET_DOCUMENTATION } from '../render/widget.ts';
import { type SpendingFacts, spendingForTeam } from '../spending-facts.ts';
import { buildWeeklyReport } from '../weekly-report.ts';

/** What the widget needs of the world: it reads, and does nothing else. */
export type UsageWidgetPorts = {
  readonly readSpending: (week: IsoWeek) => Promise<SpendingFacts>;
  readonly nowEpochMs: () => number;
};

/**
 * Makes the function behind a custom widget of CloudWatch's: HTML of a week by team, or its documentation. What it cannot
 * show it says in the widget; a fault is CloudWatch's to show.
 */
export function createUsageWidgetHandler({ readSpending, nowEpochMs }: UsageWidgetPorts) {
  return middy<unknown, string>({ timeoutEarlyInMillis: 0 }).handler(async (event, { invokedFunctionArn }) => {
    const asked = isObject(event) ? event : {};
    if (asked.describe === true) return WIDGET_DOCUMENTATION;
    const seen = isObject(asked.widgetContext) ? asked.widgetContext : {};
    const isDark = seen.theme === 'dark';
    const parsed = requestedWeek(asked.week, seen.timeRange, nowEpochMs());
    if ('why' in parsed) return renderWidgetError(`"week" ${parsed.why}`, isDark);
    const { week } = parsed;
    const facts = await readSpending(week);
    const team = typeof asked.team === 'string' && asked.team !== '' ? asked.team : undefined;
    if (team !== undefined && !facts.teams.includes(team))
      return renderWidgetError(`There is no team "${team}"${didYouMean(team, facts.teams)}`, isDark);
    const report = buildWeeklyReport(team === undefined ? facts : spendingForTeam(facts, team), week);
    const hasNext = addWeeks(week, 1) <= weekAt(nowEpochMs());
    return renderWidget(report, { isDark, functionArn: invokedFunctionArn, team, hasNext });
  });
}

/** The week that was named, or the one that the dashboard's time range ends in, up to now. */
function requestedWeek(week: unknown, timeRange: unknown, nowEpochMs: number): ReturnType<typeof parseWeek> {
  if (week !== undefined && week !== '') return parseWeek(String(week));
  const end = isObject(timeRange) && typeof timeRange.end === 'number' ? timeRange.end : nowEpochMs;
  // A range that ends at a Monday's midnight is of the week before it.
  return { week: weekAt(Math.min(end - 1, nowEpochMs)) };
}
