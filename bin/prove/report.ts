import { picoUsd, usdText } from '../../lambda/kernel/money.ts';
import type { Attack } from './scenarios/scenario.ts';
import { judge, type Measured, percentOf, type Verdict } from './verdict.ts';

/** One budget's line of the report; dollars are exact decimal text. */
export type Line = Pick<Measured, 'scenario' | 'title' | 'billedBy' | 'isExact' | 'seconds'> &
  Pick<Verdict, 'verdict' | 'reasons' | 'usablePercent'> & {
    readonly budgetUsd: string;
    readonly fired: number;
    readonly letThrough: number;
    readonly refused: Readonly<Record<string, number>>;
    readonly left: number;
    readonly broken: number;
    readonly billedUsd: string;
    readonly toldUsd: string;
    readonly spentUsd: string;
    readonly heldUsd: string;
    readonly assumedUsd: string;
    readonly overspendUsd: string;
    /** What the ledger counts beyond the bill, for calls whose outcome is not known, as a share of the budget. */
    readonly reservePercent: number;
    readonly note: string;
  };

/** What was attacked, how, and what came of it. */
export type ProveReport = {
  readonly name: string;
  readonly description: string;
  /** ISO 8601. */
  readonly at: string;
  readonly calls: number;
  readonly atOnce: number;
  readonly model: string;
  readonly outputTokens: number;
  readonly callUsd: string;
  readonly verdict: 'holds' | 'falls short';
  readonly lines: readonly Line[];
};

/** Puts measurements together; one that does not hold makes the whole fall short. */
export function reportOf({ target, calls, atOnce }: Attack, at: string, measured: readonly Measured[]): ProveReport {
  const { name, description, call } = target;
  const lines = measured.map(lineOf);
  return {
    name,
    description,
    at,
    calls,
    atOnce,
    model: call.model.id,
    outputTokens: call.outputTokens,
    callUsd: usdText(call.costPicoUsd),
    verdict: lines.every(({ verdict }) => verdict === 'holds') && lines.length > 0 ? 'holds' : 'falls short',
    lines,
  };
}

function lineOf(measured: Measured): Line {
  const { tally, ledger, budget, billed } = measured;
  const { verdict, reasons, usablePercent, overspend } = judge(measured);
  const counted = ledger.spent + ledger.held;
  return {
    scenario: measured.scenario,
    title: measured.title,
    verdict,
    reasons,
    usablePercent,
    billedBy: measured.billedBy,
    isExact: measured.isExact,
    seconds: Math.round(measured.seconds * 10) / 10,
    budgetUsd: usdText(budget),
    fired: tally.fired,
    letThrough: tally.letThrough,
    refused: tally.refused,
    left: tally.left,
    broken: tally.broken,
    billedUsd: usdText(billed),
    toldUsd: usdText(tally.told),
    spentUsd: usdText(ledger.spent),
    heldUsd: usdText(ledger.held),
    assumedUsd: usdText(ledger.assumed),
    overspendUsd: usdText(overspend),
    reservePercent: counted > billed ? percentOf(picoUsd(counted - billed), budget) : 0,
    note: measured.note ?? '',
  };
}
