import type { Item } from '../../kernel/io/dynamo-table.ts';
import type { BudgetSnapshot } from '../budget-snapshot.ts';
import { parseLedgerView } from './ledger-item.ts';
import { parseLedgerKey } from './reservation-end-records.ts';

/** What a team's spending stands at in an image of the ledger's stream; undefined for any other item. */
export function parseBudgetSnapshot(image: Item | undefined): BudgetSnapshot | undefined {
  const ledger = parseLedgerKey(image);
  if (ledger === undefined || image?.limit === undefined) return undefined;
  const { spentPicoUsd, limitPicoUsd } = parseLedgerView(image);
  return { holder: ledger.team, period: ledger.period, spentPicoUsd, limitPicoUsd };
}
