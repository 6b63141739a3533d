import { absoluteUsd, type PicoUsd, picoUsd, toUsdString } from '../../kernel/money.ts';

/** Pico-dollars in a dollar, as a power of ten. */
const DECIMALS = 12;
const USD = 10n ** BigInt(DECIMALS);
/** What no change can be told by: more than this, in percent, is told as a multiple. */
const MAX_PERCENT = 999n;

/** How many decimals a column of amounts is shown with: as few as still tell them apart from nothing. */
export function decimalPlaces(amounts: readonly PicoUsd[]): number {
  const most = amounts.reduce<bigint>((high, amount) => (absoluteUsd(amount) > high ? absoluteUsd(amount) : high), 0n);
  if (most === 0n || most >= USD) return 2;
  return most >= USD / 100n ? 4 : 6;
}

/** Dollars for people, rounded half up, such as `$1,234.50`; what is there but too little to be shown is `<$0.01`. */
export function formatUsd(amount: PicoUsd, decimals = 2): string {
  const unit = 10n ** BigInt(DECIMALS - decimals);
  const rounded = (absoluteUsd(amount) + unit / 2n) / unit;
  const sign = amount < 0n ? '-' : '';
  if (rounded === 0n && amount !== 0n) return `<${sign}$${fixed(1n, decimals)}`;
  return `${sign}$${fixed(rounded, decimals)}`;
}

/** A budget as a person has set it: `$200`, or `$12.50`. */
export function formatLimit(limit: PicoUsd): string {
  if (limit % USD === 0n) return formatUsd(limit, 0);
  return limit % (USD / 100n) === 0n ? formatUsd(limit) : formatExactUsd(limit);
}

/** The exact amount, for those who add up. */
export function formatExactUsd(amount: PicoUsd): string {
  return `${amount < 0n ? '-' : ''}$${toUsdString(absoluteUsd(amount))}`;
}

/** A count with its thousands apart. */
export function formatCount(count: number): string {
  return thousands(String(count));
}

/** How much more or less than before, such as `+12 %`; `new` where there was nothing, and a dash where there is nothing still. */
export function formatChange(now: PicoUsd, before: PicoUsd): string {
  if (before === 0n) return now === 0n ? '–' : 'new';
  if (now === 0n) return '-100 %';
  const percent = wholePercent(picoUsd(now - before), before);
  if (percent > MAX_PERCENT) return `×${formatCount(Number(now / before))}`;
  return percent > 0n ? `+${percent} %` : `${percent} %`;
}

/** A share in whole percent, rounded half away from nothing; nothing of nothing is nothing. */
export function wholePercent(part: PicoUsd, whole: PicoUsd): bigint {
  if (whole === 0n) return 0n;
  const size = (absoluteUsd(part) * 200n + absoluteUsd(whole)) / (absoluteUsd(whole) * 2n);
  return part < 0n === whole < 0n ? size : -size;
}

/** Text on a terminal: without what would move its cursor or colour what follows. */
export function sanitizeForTerminal(text: string): string {
  return [...text].map((letter) => (isControl(letter) ? '?' : letter)).join('');
}

function isControl(letter: string): boolean {
  const code = letter.codePointAt(0) ?? 0;
  return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

function fixed(value: bigint, decimals: number): string {
  const digits = String(value).padStart(decimals + 1, '0');
  const whole = thousands(digits.slice(0, digits.length - decimals));
  return decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`;
}

function thousands(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}
