import { addUsd, type PicoUsd, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { Catalog } from '../../lambda/pricing/catalog.ts';
import { chatCost } from '../../lambda/pricing/pricing.ts';
import type { ModelCount } from './served-counts.ts';

/**
 * What an upstream's counts come to: worked out from totals, apart from the call-by-call sums of the ledger.
 *
 * @throws RangeError for a model that the catalog has no price a token for.
 */
export function computeBill(counts: Readonly<Record<string, ModelCount>>, catalog: Catalog): PicoUsd {
  const lines = Object.entries(counts).map(([id, tokens]) => {
    const model = catalog.models.get(id);
    if (model?.kind !== 'chat') throw new RangeError(`the upstream counted calls of ${id}, which has no price a token`);
    return chatCost(model, tokens);
  });
  return lines.length === 0 ? ZERO_USD : addUsd(...lines);
}
