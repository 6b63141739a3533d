import type { Item } from '../../kernel/io/dynamo-table.ts';
import type { Sight } from '../budget-standing.ts';
import { ledgerOf } from './ledger-ends.ts';
import { ledgerViewOf } from './ledger-item.ts';

/** What a team's spending stands at in an image of the ledger's stream; undefined for any other item. */
export function sightOf(image: Item | undefined): Sight | undefined {
  const ledger = ledgerOf(image);
  if (ledger === undefined || image?.limit === undefined) return undefined;
  const { spent, limit } = ledgerViewOf(image);
  return { holder: ledger.team, period: ledger.period, spent, limit };
}
