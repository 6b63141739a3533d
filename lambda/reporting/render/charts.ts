import { type PicoUsd, picoUsd } from '../../kernel/money.ts';
import { wholePercent } from './format.ts';
import { escapeHtml } from './html-text.ts';
import { FONT, type Palette, styleAttributes } from './palette.ts';

/** One bar: an amount, and how both are told. */
export type Bar = { readonly label: string; readonly amount: PicoUsd; readonly formatted: string };
/** What a drawing tells those who cannot see it; `id` is unique in its document. */
export type Caption = { readonly id: string; readonly title: string; readonly description: string };

const WIDTH = 640;
/** More bars than this have no room for a figure above each, and for a label below only some. */
const MAX_LABELS = 14;

const UPRIGHT = { height: 210, top: 26, base: 176, left: 8 };

/** Amounts as upright bars from left to right: days of a week, or weeks. */
export function renderBarChart(caption: Caption, bars: readonly Bar[], palette: Palette): string {
  const { height, top, base, left } = UPRIGHT;
  const slot = (WIDTH - 2 * left) / Math.max(1, bars.length);
  const width = Math.min(64, slot * 0.7);
  const most = maxAmount(bars.map(({ amount }) => amount));
  const every = Math.ceil(bars.length / MAX_LABELS);
  const drawn = bars.map(({ label, amount, formatted }, index) => {
    const [size, centre] = [fractionOf(amount, most) * (base - top), left + slot * (index + 0.5)];
    const bar = `<rect x="${formatCoordinate(centre - width / 2)}" y="${formatCoordinate(base - size)}" width="${formatCoordinate(width)}" height="${formatCoordinate(size)}" rx="2"${styleAttributes(palette, ['bar'])}/>`;
    const above = every === 1 ? text(centre, base - size - 7, formatted, palette, 'text', 'middle') : '';
    const below = index % every === 0 ? text(centre, base + 18, label, palette, 'muted', 'middle') : '';
    return bar + above + below;
  });
  const floor = `<line x1="0" y1="${base + 0.5}" x2="${WIDTH}" y2="${base + 0.5}" stroke="currentColor" stroke-opacity="0.35"/>`;
  return drawing(caption, height - 12, drawn.join('') + floor, palette);
}

/** A part of a whole: what is spent of a budget, and what it comes to. */
export type BudgetGauge = {
  readonly label: string;
  readonly spentPicoUsd: PicoUsd;
  readonly projectedPicoUsd: PicoUsd;
  readonly limitPicoUsd: PicoUsd;
};

const ROW = { height: 30, bar: 14, name: 172, track: 300 };
/** The limit stands at this part of the track, so that what goes over it is seen. */
const LIMIT_AT = 0.8;

/** Budgets as lying bars: spent in full colour, projected beyond it in a lighter one, and a line at the limit. */
export function renderBudgetGauges(caption: Caption, rows: readonly BudgetGauge[], palette: Palette): string {
  const drawn = rows.map(({ label, spentPicoUsd, projectedPicoUsd, limitPicoUsd }, index) => {
    const y = index * ROW.height + 10;
    const xOf = (amount: PicoUsd) => Math.min(1, fractionOf(amount, limitPicoUsd) * LIMIT_AT) * ROW.track;
    const rect = (x: number, role: 'bar' | 'soft') =>
      `<rect x="${ROW.name}" y="${y}" width="${formatCoordinate(x)}" height="${ROW.bar}"${styleAttributes(palette, [role])}/>`;
    const at = ROW.name + ROW.track * LIMIT_AT;
    const isOver = projectedPicoUsd > limitPicoUsd;
    const told = `${wholePercent(spentPicoUsd, limitPicoUsd)} %, projected ${wholePercent(projectedPicoUsd, limitPicoUsd)} %`;
    return [
      text(0, y + 12, label, palette, 'text', 'start'),
      `<rect x="${ROW.name}" y="${y}" width="${ROW.track}" height="${ROW.bar}" fill="currentColor" fill-opacity="0.07"/>`,
      rect(xOf(projectedPicoUsd), 'soft'),
      rect(xOf(spentPicoUsd), 'bar'),
      `<line x1="${at}" y1="${y - 4}" x2="${at}" y2="${y + ROW.bar + 4}" stroke="currentColor" stroke-width="2"/>`,
      text(WIDTH, y + 12, `${told}${isOver ? ' !' : ''}`, palette, isOver ? 'warn' : 'muted', 'end'),
    ].join('');
  });
  return drawing(caption, rows.length * ROW.height + 10, drawn.join(''), palette);
}

function drawing({ id, title, description }: Caption, height: number, content: string, palette: Palette): string {
  return [
    `<svg role="img" aria-labelledby="${id}-title ${id}-description" viewBox="0 0 ${WIDTH} ${height}" width="100%" xmlns="http://www.w3.org/2000/svg"${styleAttributes(palette, ['text'], 'display:block;height:auto')}>`,
    `<title id="${id}-title">${escapeHtml(title)}</title><desc id="${id}-description">${escapeHtml(description)}</desc>`,
    content,
    '</svg>',
  ].join('');
}

function text(
  x: number,
  y: number,
  content: string,
  palette: Palette,
  role: 'text' | 'muted' | 'warn',
  anchor: 'start' | 'middle' | 'end',
): string {
  return `<text x="${formatCoordinate(x)}" y="${formatCoordinate(y)}" text-anchor="${anchor}" font-size="12"${styleAttributes(palette, [role], `fill:${palette[role]};${FONT}`)}>${escapeHtml(content)}</text>`;
}

function maxAmount(amounts: readonly PicoUsd[]): PicoUsd {
  return amounts.reduce((high, amount) => (amount > high ? amount : high), picoUsd(0n));
}

/** A part of a whole as a number from 0, for drawing only. */
function fractionOf(part: PicoUsd, whole: PicoUsd): number {
  return whole <= 0n || part <= 0n ? 0 : Number((part * 10_000n) / whole) / 10_000;
}

function formatCoordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}
