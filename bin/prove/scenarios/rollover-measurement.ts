import { type PicoUsd, picoUsd, subtractUsd } from '../../../lambda/kernel/money.ts';
import type { LedgerTotals } from '../figures.ts';
import type { Tally } from '../tally.ts';
import type { Measurement } from '../verdict.ts';

/** The scenario's id and title in reports. */
export const id = 'rollover';
export const title = "month's end";

/** Clients' tallies of both months, and the upstream's count at the end of the first. */
export type Crossing = {
  readonly before: Tally;
  readonly after: Tally;
  readonly arrived: number;
  readonly inFlight: number;
};

/** The figures of both months. */
export type Months = {
  readonly budget: PicoUsd;
  readonly crossing: Crossing;
  /** Calls that reached the upstream before the month's end. */
  readonly arrived: number;
  /** Calls that reached the upstream in all. */
  readonly requests: number;
  readonly billed: PicoUsd;
  readonly ledgers: { readonly old: LedgerTotals; readonly fresh: LedgerTotals };
  /** Faults of the wait for settlements. */
  readonly unsettled: readonly string[];
  readonly seconds: number;
};

/** Builds one measurement a month. A call belongs to the month in which it reached the upstream, whenever it was answered. */
export function measureMonths(months: Months): Measurement[] {
  const { budget, crossing, arrived, requests, billed, ledgers, unsettled, seconds } = months;
  const { before, after, inFlight } = crossing;
  const callCost = requests === 0 ? 0n : billed / BigInt(requests);
  const billedOld = picoUsd(callCost * BigInt(arrived));
  const shared = { scenario: id, budget, billedBy: 'upstream', isExact: true, seconds } as const;
  const isUniform = callCost * BigInt(requests) === billed;
  const faults = [
    ...unsettled,
    ...(isUniform ? [] : ['calls had different costs, so the bill cannot be split by month']),
    ...(inFlight > 0 ? [] : ['no call crossed the end of the month']),
  ];
  return [
    {
      ...shared,
      title: `${title}: the old month`,
      tally: { ...before, admitted: arrived },
      billed: billedOld,
      ledger: ledgers.old,
      note: `${inFlight} calls were upstream when the month ended`,
      faults,
    },
    {
      ...shared,
      title: `${title}: the new month`,
      tally: { ...after, admitted: requests - arrived },
      billed: subtractUsd(billed, billedOld),
      ledger: ledgers.fresh,
      note: `${before.admitted - arrived} calls that had waited for money in the old month found it in the new one`,
    },
  ];
}
