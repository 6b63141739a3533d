import { formatUtc } from '../../kernel/period.ts';
import type { WeeklyReport } from '../weekly-report.ts';
import { decimalPlaces, formatExactUsd } from './format.ts';

/** The status of a report's figures, in one word and a sentence. */
export function describeFigures(report: WeeklyReport): { readonly word: string; readonly sentence: string } {
  const { figures, gapPicoUsd, isOver, to } = report;
  if (figures === 'final')
    return { word: 'Final', sentence: 'The week is over, and usage equals the ledgers to the last pico-dollar.' };
  if (figures === 'unchecked')
    return {
      word: 'Unchecked',
      sentence:
        'The ledgers of a month in this week were not read or are past their retention, so nothing was compared.',
    };
  if (!isOver) return { word: 'Provisional', sentence: `The week runs until the end of ${to} (UTC).` };
  if (gapPicoUsd === 0n)
    return {
      word: 'Provisional',
      sentence: 'A month ended within this week and still has calls in flight; they count on its last day.',
    };
  return {
    word: 'Provisional',
    sentence: `Usage and the ledgers differ by ${formatExactUsd(gapPicoUsd)}: calls are still being counted, or the alarm usage-dead-letters says why.`,
  };
}

/** The environment of a report and the time at which it was made. */
export function describeOrigin({ environmentName, generatedAtEpochMs }: WeeklyReport): string {
  const [day, time = ''] = formatUtc(generatedAtEpochMs).split('T');
  return `environment ${environmentName}, made ${day} ${time.slice(0, 5)} UTC`;
}

/** Decimal places that show every month's projected spending. */
export function monthDecimals({ teams, organization }: WeeklyReport): number {
  const months = [...teams.map(({ budget }) => budget), organization].filter((month) => month !== undefined);
  return decimalPlaces(months.map(({ projectedPicoUsd }) => projectedPicoUsd));
}
