import { ConfigError } from '../kernel/config-error.ts';
import { type PicoUsd, picoUsd, toUsdString } from '../kernel/money.ts';
import type { Catalog, Model } from '../pricing/catalog.ts';

/** Largest change of a price in one deployment. A larger one is more likely a misplaced decimal point. */
const MAX_PRICE_FACTOR = 3n;

/** Returns a model's prices under the names of its catalog entry: USD per million tokens or characters, or per hour of audio. */
export function modelPrices(model: Model): ReadonlyMap<string, PicoUsd> {
  if (model.kind === 'transcription') return new Map([['perAudioHour', model.audioHourPicoUsd]]);
  const perMillion = (price: PicoUsd): PicoUsd => picoUsd(price * 1_000_000n);
  if (model.kind === 'speech') return new Map([['perMillionCharacters', perMillion(model.characterPicoUsd)]]);
  return new Map([
    ['input', perMillion(model.inputTokenPicoUsd)],
    ['output', perMillion(model.outputTokenPicoUsd)],
    ['cachedInput', perMillion(model.cachedInputTokenPicoUsd)],
  ]);
}

/**
 * Refuses prices that have changed more than threefold since the last deployment, unless the entry's `priceConfirmedOn` has
 * changed too.
 *
 * @throws ConfigError naming the model, both prices, and how to confirm the new one.
 */
export function checkPriceJumps(file: string, before: Catalog, after: Catalog): void {
  for (const model of after.models.values()) {
    const known = before.models.get(model.id);
    if (known === undefined) continue;
    // A removed confirmation counts as well, so that a deployment can roll back.
    if (model.priceConfirmedOn !== known.priceConfirmedOn) continue;
    const former = modelPrices(known);
    for (const [name, price] of modelPrices(model)) {
      const was = former.get(name);
      if (was === undefined || (price <= was * MAX_PRICE_FACTOR && was <= price * MAX_PRICE_FACTOR)) continue;
      throw new ConfigError(
        `${file}: model "${model.id}": ${name} moves from $${toUsdString(was)} to $${toUsdString(price)}, more than threefold; if that is right, set its "priceConfirmedOn" to today's date`,
      );
    }
  }
}
