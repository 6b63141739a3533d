import type { PicoUsd } from '../../../lambda/kernel/money.ts';
import type { CallTemplate, LedgerTotals, TeamCredential, UpstreamCounter } from '../figures.ts';
import type { TestRig } from './test-rig.ts';

/** Returns the target's test rig. @throws when the target has none. */
export function requireTestRig({ testRig }: Target): TestRig {
  if (testRig === undefined) throw new Error('this scenario needs gateways that prove starts itself');
  return testRig;
}

/** A running gateway under attack. */
export type Target = {
  /** Names the report. */
  readonly name: string;
  /** A description for the report. */
  readonly description: string;
  readonly call: CallTemplate;
  /** Opens a new budget for one scenario. */
  openBudget(scenario: string, amount: PicoUsd): Promise<BudgetHandle>;
  /** The upstream's own count; without one, the bill is the sum of the costs in the responses. */
  readonly upstream: UpstreamCounter | undefined;
  /** Starts and kills gateways; only for a target that this process started. */
  readonly testRig: TestRig | undefined;
  close(): Promise<void>;
};

/** A budget, keys that spend from it, and addresses that accept the keys. */
export type BudgetHandle = {
  readonly budgetPicoUsd: PicoUsd;
  readonly credentials: readonly TeamCredential[];
  /** Returns the address for a call; may wait until a gateway runs. */
  nextAddress(index: number): Promise<string>;
  /** Reads the ledger's totals since this budget was opened. */
  ledger(): Promise<LedgerTotals>;
};

/** Changes the budget of a deployed team for this month. */
export type BudgetAdjuster = {
  /** Makes exactly this amount available to the team until `restoreBudget`. */
  setAvailable(team: string, availablePicoUsd: PicoUsd): Promise<void>;
  /**
   * Restores the budget of the team's policy, less the money spent meanwhile.
   *
   * @throws CommandError that says how to repair it, when it cannot be restored.
   */
  restoreBudget(team: string): Promise<void>;
};
