import { absoluteUsd, addUsd, type PicoUsd, picoUsd, subtractUsd, toUsdString, ZERO_USD } from '../../kernel/money.ts';
import type { TokenPrices } from '../../pricing/token-prices.ts';
import type { UsageRow } from '../../usage/usage.ts';

/** One charge of a usage row. Its cost is exactly quantity times unit price. */
export type FocusCharge = {
  readonly meter: string;
  /** Distinguishes the SKU from others of the same model. */
  readonly sku: string;
  readonly costPicoUsd: PicoUsd;
  readonly pricingUnit: string;
  readonly pricingQuantity: string;
  readonly unitPriceUsd: string;
  readonly consumedUnit: string;
  readonly consumedQuantity: string;
  readonly isAssumed: boolean;
};

/** Unit of Groq's price list. */
const MILLION_TOKENS = '1000000 Tokens';
const PER_MILLION = 1_000_000n;
/** Unit of a charge that has an amount but no price per token. */
const DOLLARS = 'Dollars';

/**
 * Splits a usage row into charges: tokens by kind at their prices, and assumed cost apart. If the current prices do not
 * explain the cost to the last pico-dollar, because they changed on that day or the model left the catalog, all its tokens
 * become one charge at the billed amount, so that no figure is invented.
 */
export function splitIntoCharges(row: UsageRow, prices: TokenPrices | undefined): readonly FocusCharge[] {
  const knownPicoUsd = subtractUsd(row.costPicoUsd, row.assumedPicoUsd);
  const assumed = row.assumedPicoUsd === 0n ? [] : [assumedCharge(row.assumedPicoUsd)];
  const kinds = prices === undefined ? [] : tokenCharges(row, prices);
  if (prices !== undefined && addUsd(ZERO_USD, ...kinds.map(({ costPicoUsd }) => costPicoUsd)) === knownPicoUsd)
    return [...kinds, ...assumed];
  const tokens = row.promptTokens + row.completionTokens;
  return [...(knownPicoUsd === 0n && tokens === 0 ? [] : [billedCharge(knownPicoUsd, tokens)]), ...assumed];
}

function tokenCharges(row: UsageRow, prices: TokenPrices): readonly FocusCharge[] {
  const { promptTokens, cachedTokens, completionTokens } = row;
  const kinds = [
    { meter: 'Input Tokens', sku: 'input', tokens: promptTokens - cachedTokens, price: prices.inputTokenPicoUsd },
    { meter: 'Cached Input Tokens', sku: 'cached-input', tokens: cachedTokens, price: prices.cachedInputTokenPicoUsd },
    { meter: 'Output Tokens', sku: 'output', tokens: completionTokens, price: prices.outputTokenPicoUsd },
  ];
  return kinds
    .filter(({ tokens }) => tokens !== 0)
    .map(({ meter, sku, tokens, price }) => ({
      meter,
      sku,
      costPicoUsd: picoUsd(BigInt(tokens) * price),
      pricingUnit: MILLION_TOKENS,
      pricingQuantity: millionths(tokens),
      unitPriceUsd: toUsdString(picoUsd(price * PER_MILLION)),
      consumedUnit: 'Tokens',
      consumedQuantity: String(tokens),
      isAssumed: false,
    }));
}

function billedCharge(costPicoUsd: PicoUsd, tokens: number): FocusCharge {
  const priced = { ...dollarCharge(costPicoUsd), meter: 'Tokens', sku: 'tokens' };
  return tokens === 0 ? priced : { ...priced, consumedUnit: 'Tokens', consumedQuantity: String(tokens) };
}

function assumedCharge(costPicoUsd: PicoUsd): FocusCharge {
  return { ...dollarCharge(costPicoUsd), meter: 'Assumed Cost', sku: 'assumed', isAssumed: true };
}

function dollarCharge(costPicoUsd: PicoUsd) {
  return {
    costPicoUsd,
    pricingUnit: DOLLARS,
    pricingQuantity: toUsdString(costPicoUsd),
    unitPriceUsd: '1',
    consumedUnit: DOLLARS,
    // FOCUS requires a positive quantity, also for a correction with a negative cost.
    consumedQuantity: toUsdString(absoluteUsd(costPicoUsd)),
    isAssumed: false,
  };
}

/** A count divided by a million, as an exact decimal. */
function millionths(count: number): string {
  // There are 10^12 pico-dollars in a dollar, so a count of 10^6 pico-dollars each is a millionth of it in dollars.
  return toUsdString(picoUsd(BigInt(count) * PER_MILLION));
}
