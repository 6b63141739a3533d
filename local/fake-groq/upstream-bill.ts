import { addUsd, type PicoUsd, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { Catalog } from '../../lambda/pricing/catalog.ts';
import { chatCost } from '../../lambda/pricing/pricing.ts';
import type { ModelCount } from './served-counts.ts';

/**
 * Computes an upstream's bill from its token totals, independently of the ledger's sums per call.
 *
 * @throws RangeError for a model without a price per token in the catalog.
 */
export function computeBill(counts: Readonly<Record<string, ModelCount>>, catalog: Catalog): PicoUsd {
  const lines = Object.entries(counts).map(([id, tokens]) => {
    const model = catalog.models.get(id);
    if (model?.kind !== 'chat') throw new RangeError(`the upstream served ${id}, which has no price per token`);
    return chatCost(model, tokens);
  });
  return lines.length === 0 ? ZERO_USD : addUsd(...lines);
}
