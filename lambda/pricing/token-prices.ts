import type { PicoUsd } from '../kernel/money.ts';
import type { Catalog } from './catalog.ts';

/** What a token costs, by its kind. */
export type TokenPrices = {
  readonly inputTokenPicoUsd: PicoUsd;
  readonly cachedInputTokenPicoUsd: PicoUsd;
  readonly outputTokenPicoUsd: PicoUsd;
};

/** The prices of a catalog's models that are priced by the token. */
export function tokenPricesByModel({ models }: Catalog): ReadonlyMap<string, TokenPrices> {
  const prices = new Map<string, TokenPrices>();
  for (const model of models.values()) {
    if (model.kind !== 'chat') continue;
    const { inputTokenPicoUsd, cachedInputTokenPicoUsd, outputTokenPicoUsd } = model;
    prices.set(model.id, { inputTokenPicoUsd, cachedInputTokenPicoUsd, outputTokenPicoUsd });
  }
  return prices;
}
