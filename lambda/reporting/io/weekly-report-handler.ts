import middy from '@middy/core';
import type { Log } from '../../kernel/clock.ts';
import { isObject } from '../../kernel/json-object.ts';
import { toUsdString } from '../../kernel/money.ts';
import { type DeliveryPorts, deliverWeeklyReport } from '../deliver-weekly-report.ts';
import { type IsoWeek, lastCompleteWeek, parseWeek } from '../iso-week.ts';

/** What the weekly report needs of the world. */
export type WeeklyReportPorts = DeliveryPorts & {
  readonly nowEpochMs: () => number;
  readonly log: Log;
};

/**
 * Makes the weekly report: of the week before the schedule's event, or of the one that an operator names by
 * `{"week": "2026-W47"}`. An event that comes late or twice writes the same week again.
 *
 * @throws Error for a week that there is not, and whatever keeps the report from being made; Lambda tries it twice more.
 */
export function createWeeklyReportHandler({ nowEpochMs, log, ...ports }: WeeklyReportPorts) {
  return middy<unknown, void>({ timeoutEarlyInMillis: 0 }).handler(async (event) => {
    const week = weekFromEvent(event, nowEpochMs());
    const { report, isNotified } = await deliverWeeklyReport(ports, week);
    const { total, figures, gapPicoUsd } = report;
    const facts = { week, figures, costUsd: toUsdString(total.counts.costPicoUsd), gapUsd: toUsdString(gapPicoUsd) };
    log('weekly_report_written', { ...facts, isNotified });
  });
}

function weekFromEvent(event: unknown, nowEpochMs: number): IsoWeek {
  const { week, time } = isObject(event) ? event : {};
  if (typeof week === 'string') {
    const parsed = parseWeek(week);
    if ('why' in parsed) throw new Error(`"week" ${parsed.why}`);
    return parsed.week;
  }
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return lastCompleteWeek(Number.isNaN(at) ? nowEpochMs : at);
}
