import { picoUsd, toUsdString } from '../../lambda/kernel/money.ts';
import type { Attack } from './scenarios/scenario.ts';
import { judge, type Measurement, percentOfBudget, type Verdict } from './verdict.ts';

/** The report's line for one budget. Dollars are exact decimal text. */
export type BudgetLine = Pick<Measurement, 'scenario' | 'title' | 'billedBy' | 'isExact' | 'seconds'> &
  Pick<Verdict, 'verdict' | 'reasons' | 'usablePercent'> & {
    readonly budgetUsd: string;
    readonly sent: number;
    readonly admitted: number;
    readonly refused: Readonly<Record<string, number>>;
    readonly disconnected: number;
    readonly broken: number;
    readonly billedUsd: string;
    readonly reportedUsd: string;
    readonly spentUsd: string;
    readonly heldUsd: string;
    readonly assumedUsd: string;
    readonly overspendUsd: string;
    /** The ledger's count beyond the bill, for calls with an unknown outcome, in percent of the budget. */
    readonly reservePercent: number;
    readonly note: string;
  };

/** The report on one attack. */
export type ProveReport = {
  readonly name: string;
  readonly description: string;
  /** ISO 8601. */
  readonly at: string;
  readonly calls: number;
  readonly concurrency: number;
  readonly model: string;
  readonly outputTokens: number;
  readonly callUsd: string;
  readonly verdict: 'holds' | 'falls short';
  readonly lines: readonly BudgetLine[];
};

/** Builds the report. One budget that does not hold makes the verdict `falls short`. */
export function buildReport(
  { target, calls, concurrency }: Attack,
  at: string,
  measured: readonly Measurement[],
): ProveReport {
  const { name, description, call } = target;
  const lines = measured.map(toLine);
  return {
    name,
    description,
    at,
    calls,
    concurrency,
    model: call.model.id,
    outputTokens: call.outputTokens,
    callUsd: toUsdString(call.costPicoUsd),
    verdict: lines.every(({ verdict }) => verdict === 'holds') && lines.length > 0 ? 'holds' : 'falls short',
    lines,
  };
}

function toLine(measured: Measurement): BudgetLine {
  const { tally, ledger, budget, billed } = measured;
  const { verdict, reasons, usablePercent, overspend } = judge(measured);
  const counted = ledger.spentPicoUsd + ledger.reservedPicoUsd;
  return {
    scenario: measured.scenario,
    title: measured.title,
    verdict,
    reasons,
    usablePercent,
    billedBy: measured.billedBy,
    isExact: measured.isExact,
    seconds: Math.round(measured.seconds * 10) / 10,
    budgetUsd: toUsdString(budget),
    sent: tally.sent,
    admitted: tally.admitted,
    refused: tally.refused,
    disconnected: tally.disconnected,
    broken: tally.broken,
    billedUsd: toUsdString(billed),
    reportedUsd: toUsdString(tally.reportedCost),
    spentUsd: toUsdString(ledger.spentPicoUsd),
    heldUsd: toUsdString(ledger.reservedPicoUsd),
    assumedUsd: toUsdString(ledger.assumedPicoUsd),
    overspendUsd: toUsdString(overspend),
    reservePercent: counted > billed ? percentOfBudget(picoUsd(counted - billed), budget) : 0,
    note: measured.note ?? '',
  };
}
