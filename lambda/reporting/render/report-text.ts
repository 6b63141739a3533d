import { formatUtc } from '../../kernel/period.ts';
import type { WeeklyReport } from '../weekly-report.ts';
import { formatExactUsd } from './format.ts';

/** Whether the figures may be booked, in one word and a sentence. */
export function describeFigures(report: WeeklyReport): { readonly word: string; readonly sentence: string } {
  const { figures, gapPicoUsd, isOver, to } = report;
  if (figures === 'final')
    return { word: 'Final', sentence: 'The week is over, and usage equals the ledgers to the last pico-dollar.' };
  if (figures === 'unchecked')
    return {
      word: 'Unchecked',
      sentence: 'The ledgers of a month of this week were not read or are not kept any more, so nothing was compared.',
    };
  if (!isOver) return { word: 'Provisional', sentence: `The week goes on until ${to}, midnight UTC.` };
  if (gapPicoUsd === 0n)
    return {
      word: 'Provisional',
      sentence: 'Calls of a month that ended within the week are in flight: they count on its last day.',
    };
  return {
    word: 'Provisional',
    sentence: `Usage and the ledgers differ by ${formatExactUsd(gapPicoUsd)}: calls are still being counted, or the alarm usage-dead-letters says why.`,
  };
}

/** When and of what a report was made. */
export function describeOrigin({ environmentName, generatedAtEpochMs }: WeeklyReport): string {
  const [day, time = ''] = formatUtc(generatedAtEpochMs).split('T');
  return `environment ${environmentName}, made ${day} ${time.slice(0, 5)} UTC`;
}
