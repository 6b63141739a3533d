import type { PicoUsd } from '../../../lambda/kernel/money.ts';
import type { CallShape, LedgerFigures, Spender, UpstreamCount } from '../figures.ts';
import type { Laboratory } from './laboratory.ts';

/** The laboratory of a target for a scenario that needs one. */
export function laboratoryOf({ laboratory }: Target): Laboratory {
  if (laboratory === undefined) throw new Error('this scenario needs gateways that it starts itself');
  return laboratory;
}

/** A running gateway under attack, wherever it runs. */
export type Target = {
  /** What the report is named after. */
  readonly name: string;
  /** What it is, for people: how many processes, on what. */
  readonly description: string;
  readonly call: CallShape;
  /** Opens a fresh budget for one scenario. */
  openBudget(scenario: string, amount: PicoUsd): Promise<Purse>;
  /** The upstream's own count of what it has served; without one, the bill is what the answers say. */
  readonly upstream: UpstreamCount | undefined;
  /** What only a gateway that this process started can be put through. */
  readonly laboratory: Laboratory | undefined;
  close(): Promise<void>;
};

/** A budget, a key that spends from it, and the addresses that take the key. */
export type Purse = {
  readonly budgetPicoUsd: PicoUsd;
  readonly spenders: readonly Spender[];
  /** The address for the next call; it may have to wait until a gateway runs. */
  addressOf(index: number): Promise<string>;
  /** How the ledger stands now, since this budget was opened. */
  ledger(): Promise<LedgerFigures>;
};

/** Moves what a deployed team may still spend this month. */
export type BudgetGiver = {
  /** Makes exactly this available to the team, whatever it had, until `takeBack`. */
  giveBudget(team: string, available: PicoUsd): Promise<void>;
  /**
   * Gives the team the budget of its policy again, less what has been spent meanwhile.
   *
   * @throws CommandError when it cannot, naming the repair.
   */
  takeBack(team: string): Promise<void>;
};
