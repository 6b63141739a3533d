import type { PicoUsd } from '../kernel/money.ts';
import type { Catalog } from './catalog.ts';

/** Prices of one token. */
export type TokenPrices = {
  readonly inputTokenPicoUsd: PicoUsd;
  readonly cachedInputTokenPicoUsd: PicoUsd;
  readonly outputTokenPicoUsd: PicoUsd;
};

/** The token prices of a catalog's chat models, by model id. */
export function tokenPricesByModel({ models }: Catalog): ReadonlyMap<string, TokenPrices> {
  const prices = new Map<string, TokenPrices>();
  for (const model of models.values()) {
    if (model.kind !== 'chat') continue;
    const { inputTokenPicoUsd, cachedInputTokenPicoUsd, outputTokenPicoUsd } = model;
    prices.set(model.id, { inputTokenPicoUsd, cachedInputTokenPicoUsd, outputTokenPicoUsd });
  }
  return prices;
}
