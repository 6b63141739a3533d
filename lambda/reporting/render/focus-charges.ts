import { absoluteUsd, addUsd, type PicoUsd, picoUsd, subtractUsd, toUsdString, ZERO_USD } from '../../kernel/money.ts';
import type { TokenPrices } from '../../pricing/token-prices.ts';
import type { UsageRow } from '../../usage/usage.ts';

/** One charge of a usage row. Quantity times unit price is the cost, exactly. */
export type FocusCharge = {
  readonly meter: string;
  /** What tells the SKU from the model's others. */
  readonly sku: string;
  readonly costPicoUsd: PicoUsd;
  readonly pricingUnit: string;
  readonly pricingQuantity: string;
  readonly unitPriceUsd: string;
  readonly consumedUnit: string;
  readonly consumedQuantity: string;
  readonly isAssumed: boolean;
};

/** The unit of Groq's price list. */
const MILLION_TOKENS = '1000000 Tokens';
const PER_MILLION = 1_000_000n;
/** The unit of what has an amount and no price a token. */
const DOLLARS = 'Dollars';

/**
 * A usage row as charges: its tokens by kind, each at its price, and what is assumed apart. Where the prices in force do
 * not explain the cost to the last pico-dollar, since they changed on that day or are not known any more, all its tokens
 * are one charge at the amount that was billed: no figure is made up.
 */
export function splitIntoCharges(row: UsageRow, prices: TokenPrices | undefined): readonly FocusCharge[] {
  const known = subtractUsd(row.costPicoUsd, row.assumedPicoUsd);
  const assumed = row.assumedPicoUsd === 0n ? [] : [assumedCharge(row.assumedPicoUsd)];
  const kinds = prices === undefined ? [] : tokenCharges(row, prices);
  if (prices !== undefined && addUsd(ZERO_USD, ...kinds.map(({ costPicoUsd }) => costPicoUsd)) === known)
    return [...kinds, ...assumed];
  const tokens = row.promptTokens + row.completionTokens;
  return [...(known === 0n && tokens === 0 ? [] : [billedCharge(known, tokens)]), ...assumed];
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
    // What is taken back has been consumed all the same: FOCUS wants it above nothing.
    consumedQuantity: toUsdString(absoluteUsd(costPicoUsd)),
    isAssumed: false,
  };
}

/** A count divided by a million, as an exact decimal. */
function millionths(count: number): string {
  // A pico-dollar is a millionth of a micro-dollar: the same digits, six places apart.
  return toUsdString(picoUsd(BigInt(count) * PER_MILLION));
}
