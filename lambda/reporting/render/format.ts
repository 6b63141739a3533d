import { absoluteUsd, type PicoUsd, picoUsd, toUsdString } from '../../kernel/money.ts';

/** Decimal places of a dollar in pico-dollars. */
const DECIMALS = 12;
const USD = 10n ** BigInt(DECIMALS);
/** A larger change is shown as a multiple. */
const MAX_PERCENT = 999n;

/** The number of decimals for a column of amounts: as few as still show its largest amount. */
export function decimalPlaces(amounts: readonly PicoUsd[]): number {
  const max = amounts.reduce<bigint>((high, amount) => (absoluteUsd(amount) > high ? absoluteUsd(amount) : high), 0n);
  if (max === 0n || max >= USD) return 2;
  return max >= USD / 100n ? 4 : 6;
}

/** Dollars rounded half up, such as `$1,234.50`; an amount that would round to zero is `<$0.01`. */
export function formatUsd(amount: PicoUsd, decimals = 2): string {
  const unit = 10n ** BigInt(DECIMALS - decimals);
  const rounded = (absoluteUsd(amount) + unit / 2n) / unit;
  const sign = amount < 0n ? '-' : '';
  if (rounded === 0n && amount !== 0n) return `<${sign}$${formatFixed(1n, decimals)}`;
  return `${sign}$${formatFixed(rounded, decimals)}`;
}

/** A limit with no more decimals than it needs: `$200` or `$12.50`. */
export function formatLimit(limit: PicoUsd): string {
  if (limit % USD === 0n) return formatUsd(limit, 0);
  return limit % (USD / 100n) === 0n ? formatUsd(limit) : formatExactUsd(limit);
}

/** The exact amount, to the last pico-dollar. */
export function formatExactUsd(amount: PicoUsd): string {
  return `${amount < 0n ? '-' : ''}$${toUsdString(absoluteUsd(amount))}`;
}

/** A count with thousands separators. */
export function formatCount(count: number): string {
  return separateThousands(String(count));
}

/** A change such as `+12 %`; `new` if there was nothing before, and a dash if there is nothing now either. */
export function formatChange(now: PicoUsd, before: PicoUsd): string {
  if (before === 0n) return now === 0n ? '–' : 'new';
  if (now === 0n) return '-100 %';
  const percent = wholePercent(picoUsd(now - before), before);
  if (percent > MAX_PERCENT) return `×${formatCount(Number(now / before))}`;
  return percent > 0n ? `+${percent} %` : `${percent} %`;
}

/** A share in whole percent, rounded half away from zero; any share of zero is zero. */
export function wholePercent(part: PicoUsd, whole: PicoUsd): bigint {
  if (whole === 0n) return 0n;
  const percent = (absoluteUsd(part) * 200n + absoluteUsd(whole)) / (absoluteUsd(whole) * 2n);
  return part < 0n === whole < 0n ? percent : -percent;
}

/** Replaces control characters, which could move a terminal's cursor or change its colours. */
export function sanitizeForTerminal(text: string): string {
  return [...text].map((character) => (isControl(character) ? '?' : character)).join('');
}

function isControl(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

function formatFixed(value: bigint, decimals: number): string {
  const digits = String(value).padStart(decimals + 1, '0');
  const whole = separateThousands(digits.slice(0, digits.length - decimals));
  return decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`;
}

function separateThousands(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}
