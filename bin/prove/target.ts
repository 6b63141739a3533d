import type { ChatModel } from '../../lambda/core/catalog.ts';
import type { PicoUsd } from '../../lambda/core/money.ts';
import type { Laboratory } from './laboratory.ts';

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

/** The call that is made again and again. */
export type CallShape = {
  readonly model: ChatModel;
  /** A message whose answer is as long as `outputTokens` allows. */
  readonly prompt: string;
  readonly outputTokens: number;
  /** What one call costs, as far as that is known beforehand. */
  readonly costPicoUsd: PicoUsd;
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

/** A team's name and key. */
export type Spender = { readonly team: string; readonly key: string };

/** A ledger's totals. */
export type LedgerFigures = {
  readonly spent: PicoUsd;
  readonly held: PicoUsd;
  readonly assumed: PicoUsd;
  readonly overrun: PicoUsd;
};

/** The upstream's count since it started. */
export type UpstreamCount = {
  read(): Promise<{ readonly billed: PicoUsd; readonly requests: number; readonly inFlight: number }>;
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
