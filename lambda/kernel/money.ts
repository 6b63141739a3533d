declare const brand: unique symbol;

/** An amount of money in integer pico-dollars (1e-12 USD), so that token prices add up exactly. */
export type PicoUsd = bigint & { readonly [brand]: 'PicoUsd' };

const DECIMALS = 12;
const PICO_PER_USD = 10n ** BigInt(DECIMALS);

/** Marks a bigint as pico-dollars. */
export function picoUsd(amount: bigint): PicoUsd {
  return amount as PicoUsd;
}

/** Zero dollars. */
export const ZERO_USD: PicoUsd = picoUsd(0n);

/** Adds amounts. */
export function addUsd(...amounts: readonly PicoUsd[]): PicoUsd {
  return picoUsd(amounts.reduce<bigint>((sum, amount) => sum + amount, 0n));
}

/** Subtracts `less` from `amount`; the result may be negative. */
export function subtractUsd(amount: PicoUsd, less: PicoUsd): PicoUsd {
  return picoUsd(amount - less);
}

/**
 * Converts dollars from a configuration number, to the nearest pico-dollar: a binary fraction such as 0.1 + 0.2 carries
 * noise far below that, which must not become money.
 *
 * @throws RangeError when the number is not finite or is 1e15 or more.
 */
export function picoUsdFromNumber(usd: number): PicoUsd {
  if (!Number.isFinite(usd) || Math.abs(usd) >= 1e15) throw new RangeError(`${usd} is not an amount of dollars`);
  const [whole = '0', fraction = ''] = Math.abs(usd).toFixed(DECIMALS).split('.');
  const amount = BigInt(whole) * PICO_PER_USD + BigInt(fraction.padEnd(DECIMALS, '0'));
  return picoUsd(usd < 0 ? -amount : amount);
}

/** Returns an amount without its sign. */
export function absoluteUsd(amount: PicoUsd): PicoUsd {
  return amount < 0n ? picoUsd(-amount) : amount;
}

/** Renders an amount as dollars in exact decimals without trailing zeros, such as `0.00003075`, `-1.5` or `200`. */
export function toUsdString(amount: PicoUsd): string {
  const size = absoluteUsd(amount);
  const fraction = (size % PICO_PER_USD).toString().padStart(DECIMALS, '0').replace(/0+$/, '');
  return `${amount < 0n ? '-' : ''}${size / PICO_PER_USD}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Divides by a whole number and rounds up, so that rounding never bills too little. */
export function ceilDivide(amount: bigint, divisor: bigint): bigint {
  const quotient = amount / divisor;
  return quotient * divisor < amount ? quotient + 1n : quotient;
}

/** Parses dollars from decimal text, exactly; undefined for any other text, such as a sign or a thirteenth decimal. */
export function parseUsd(text: string): PicoUsd | undefined {
  const [, whole, fraction = ''] = /^(\d{1,9})(?:\.(\d{1,12}))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  return picoUsd(BigInt(whole) * PICO_PER_USD + BigInt(fraction.padEnd(DECIMALS, '0')));
}

/** Returns an amount, or zero for a negative one: an overdrawn budget shows as empty. */
export function clampToZero(amount: PicoUsd): PicoUsd {
  return amount < 0n ? ZERO_USD : amount;
}
