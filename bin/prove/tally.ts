import { addUsd, type PicoUsd, ZERO_USD } from '../../lambda/kernel/money.ts';

/** The results of calls, as clients saw them. */
export type Tally = {
  readonly sent: number;
  /** Calls with status 200, including those that the client or a fault broke off afterwards. */
  readonly admitted: number;
  /** Refusals by their code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Calls whose client hung up before it had the whole response. */
  readonly disconnected: number;
  /** Calls whose connection failed, or whose response ended early. */
  readonly broken: number;
  /** The sum of the costs in the responses. */
  readonly reportedCost: PicoUsd;
};

/** The result of one call: how it ended, or the code of its refusal. */
export type CallOutcome = {
  readonly result: 'answered' | 'disconnected' | 'disconnected mid-stream' | 'broken' | 'broken mid-stream' | string;
  readonly reportedCost: PicoUsd;
};

/** The tally before the first call. */
export const EMPTY_TALLY: Tally = {
  sent: 0,
  admitted: 0,
  refused: {},
  disconnected: 0,
  broken: 0,
  reportedCost: ZERO_USD,
};

/** Adds tallies up. */
export function addTallies(...tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, tally) => {
    const refused: Record<string, number> = { ...sum.refused };
    for (const [code, count] of Object.entries(tally.refused)) refused[code] = (refused[code] ?? 0) + count;
    return {
      sent: sum.sent + tally.sent,
      admitted: sum.admitted + tally.admitted,
      refused,
      disconnected: sum.disconnected + tally.disconnected,
      broken: sum.broken + tally.broken,
      reportedCost: addUsd(sum.reportedCost, tally.reportedCost),
    };
  }, EMPTY_TALLY);
}

/** Adds one call's outcome to a tally. */
export function countOutcome(tally: Tally, { result, reportedCost }: CallOutcome): Tally {
  const counts = {
    answered: { admitted: 1 },
    disconnected: { disconnected: 1 },
    'disconnected mid-stream': { admitted: 1, disconnected: 1 },
    broken: { broken: 1 },
    'broken mid-stream': { admitted: 1, broken: 1 },
  }[result] ?? { refused: { [result]: 1 } };
  return addTallies(tally, { ...EMPTY_TALLY, sent: 1, reportedCost, ...counts });
}
