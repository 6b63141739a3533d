import type { PicoUsd } from '../kernel/money.ts';
import type { Catalog } from './catalog.ts';

/** What a token costs, by its kind. */
export type TokenPrices = {
  readonly inputPicoUsd: PicoUsd;
  readonly cachedInputPicoUsd: PicoUsd;
  readonly outputPicoUsd: PicoUsd;
};

/** The prices of a catalog's models that are priced by the token. */
export function tokenPricesOf({ models }: Catalog): ReadonlyMap<string, TokenPrices> {
  const prices = new Map<string, TokenPrices>();
  for (const model of models.values()) {
    if (model.kind !== 'chat') continue;
    const { inputPicoUsd, cachedInputPicoUsd, outputPicoUsd } = model;
    prices.set(model.id, { inputPicoUsd, cachedInputPicoUsd, outputPicoUsd });
  }
  return prices;
}
