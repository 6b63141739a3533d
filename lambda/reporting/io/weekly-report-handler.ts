import middy from '@middy/core';
import type { Log } from '../../kernel/clock.ts';
import { isObject } from '../../kernel/json/json-object.ts';
import { toUsdString } from '../../kernel/money.ts';
import { type DeliveryPorts, deliverWeeklyReport } from '../deliver-weekly-report.ts';
import { type IsoWeek, lastCompleteWeek, parseWeek } from '../iso-week.ts';

/** Dependencies of the weekly report. */
export type WeeklyReportPorts = DeliveryPorts & {
  readonly nowEpochMs: () => number;
  readonly log: Log;
};

/**
 * Creates the function that delivers the weekly report: of the week before a scheduled event, or of the week that an
 * operator names by `{"week": "2026-W47"}`. Idempotent: a late or duplicate event writes the same week again.
 *
 * @throws Error for an invalid week, and any error that prevents the report. Lambda retries twice.
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
