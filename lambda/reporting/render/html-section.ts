import { type MarkupElement, markup } from '../../kernel/markup.ts';
import { formatUsd } from './format.ts';
import { type Palette, styleAttributes } from './palette.ts';
import type { AmountBar } from './report-charts.ts';

/** A section with a heading, unless that is empty; content that is too wide scrolls sideways. */
export function section(palette: Palette, heading: string, content: MarkupElement): MarkupElement {
  const style = styleAttributes(palette, ['text'], 'margin:0 0 8px;font-size:17px');
  return markup(
    'section',
    { style: 'margin:0 0 28px' },
    ...(heading === '' ? [] : [markup('h2', style, heading)]),
    markup('div', { class: 'g-wide', style: 'overflow-x:auto' }, content),
  );
}

/** A bar whose text is empty for an amount of zero. */
export function amountBar(label: string, amount: AmountBar['amount'], decimals: number): AmountBar {
  return { label, amount, formatted: amount === 0n ? '' : formatUsd(amount, decimals) };
}

/** The labels and amounts of bars in a sentence. */
export function describeBars(bars: readonly AmountBar[]): string {
  return `${bars.map(({ label, formatted }) => `${label}: ${formatted === '' ? '$0' : formatted}`).join(', ')}.`;
}
