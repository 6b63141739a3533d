import middy from '@middy/core';
import { isObject } from '../../kernel/json/json-object.ts';
import { didYouMean } from '../../kernel/nearest-word.ts';
import { addWeeks, type IsoWeek, parseWeek, weekAt } from '../iso-week.ts';
import { renderWidget, renderWidgetError, WIDGET_DOCUMENTATION } from '../render/widget.ts';
import { type SpendingFacts, spendingForTeam } from '../spending-facts.ts';
import { buildWeeklyReport } from '../weekly-report.ts';

/** Dependencies of the widget, all of them read-only. */
export type UsageWidgetPorts = {
  readonly readSpending: (week: IsoWeek) => Promise<SpendingFacts>;
  readonly nowEpochMs: () => number;
};

/**
 * Creates the Lambda function behind a CloudWatch custom widget. It returns a week's table as HTML, or the widget's
 * documentation. Invalid parameters return a message as HTML; a fault is thrown, and CloudWatch shows it.
 */
export function createUsageWidgetHandler({ readSpending, nowEpochMs }: UsageWidgetPorts) {
  return middy<unknown, string>({ timeoutEarlyInMillis: 0 }).handler(async (event, { invokedFunctionArn }) => {
    const request = isObject(event) ? event : {};
    if (request.describe === true) return WIDGET_DOCUMENTATION;
    const context = isObject(request.widgetContext) ? request.widgetContext : {};
    const isDark = context.theme === 'dark';
    const parsed = requestedWeek(request.week, context.timeRange, nowEpochMs());
    if ('why' in parsed) return renderWidgetError(`"week" ${parsed.why}`, isDark);
    const { week } = parsed;
    const facts = await readSpending(week);
    const team = typeof request.team === 'string' && request.team !== '' ? request.team : undefined;
    if (team !== undefined && !facts.teams.includes(team))
      return renderWidgetError(`There is no team "${team}"${didYouMean(team, facts.teams)}`, isDark);
    const report = buildWeeklyReport(team === undefined ? facts : spendingForTeam(facts, team), week);
    const hasNext = addWeeks(week, 1) <= weekAt(nowEpochMs());
    return renderWidget(report, { isDark, functionArn: invokedFunctionArn, team, hasNext });
  });
}

/** The week in the parameters, or the one in which the dashboard's time range ends, but never a future week. */
function requestedWeek(week: unknown, timeRange: unknown, nowEpochMs: number): ReturnType<typeof parseWeek> {
  if (week !== undefined && week !== '') return parseWeek(String(week));
  const end = isObject(timeRange) && typeof timeRange.end === 'number' ? timeRange.end : nowEpochMs;
  // A range that ends on Monday at midnight belongs to the week before.
  return { week: weekAt(Math.min(end - 1, nowEpochMs)) };
}
