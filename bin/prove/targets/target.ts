import type { PicoUsd } from '../../../lambda/kernel/money.ts';
import type { CallTemplate, LedgerTotals, TeamCredential, UpstreamCounter } from '../figures.ts';
import type { TestRig } from './test-rig.ts';

/** The laboratory of a target for a scenario that needs one. */
export function requireTestRig({ testRig }: Target): TestRig {
  if (testRig === undefined) throw new Error('this scenario needs gateways that it starts itself');
  return testRig;
}

/** A running gateway under attack, wherever it runs. */
export type Target = {
  /** What the report is named after. */
  readonly name: string;
  /** What it is, for people: how many processes, on what. */
  readonly description: string;
  readonly call: CallTemplate;
  /** Opens a fresh budget for one scenario. */
  openBudget(scenario: string, amount: PicoUsd): Promise<BudgetHandle>;
  /** The upstream's own count of what it has served; without one, the bill is what the answers say. */
  readonly upstream: UpstreamCounter | undefined;
  /** What only a gateway that this process started can be put through. */
  readonly testRig: TestRig | undefined;
  close(): Promise<void>;
};

/** A budget, a key that spends from it, and the addresses that take the key. */
export type BudgetHandle = {
  readonly budgetPicoUsd: PicoUsd;
  readonly credentials: readonly TeamCredential[];
  /** The address for the next call; it may have to wait until a gateway runs. */
  nextAddress(index: number): Promise<string>;
  /** How the ledger stands now, since this budget was opened. */
  ledger(): Promise<LedgerTotals>;
};

/** Moves what a deployed team may still spend this month. */
export type BudgetAdjuster = {
  /** Makes exactly this available to the team, whatever it had, until `restoreBudget`. */
  setAvailable(team: string, availablePicoUsd: PicoUsd): Promise<void>;
  /**
   * Gives the team the budget of its policy again, less what has been spent meanwhile.
   *
   * @throws CommandError when it cannot, naming the repair.
   */
  restoreBudget(team: string): Promise<void>;
};
