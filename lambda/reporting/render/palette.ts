import type { MarkupAttributes } from '../../kernel/markup.ts';

/** Purpose of a colour. */
export type ColorRole = 'page' | 'panel' | 'text' | 'muted' | 'line' | 'bar' | 'soft' | 'warn' | 'good';
/** A colour for every role. */
export type Palette = Readonly<Record<ColorRole, string>>;

/** Light colours. Text has a contrast of at least 4.5 on page and panel (WCAG 2.2, 1.4.3), bars of at least 3. */
export const LIGHT: Palette = {
  page: '#ffffff',
  panel: '#f5f7fa',
  text: '#18202c',
  muted: '#56606e',
  line: '#d8dde4',
  bar: '#2b66d9',
  soft: '#a9c3f2',
  warn: '#b3261e',
  good: '#1a7337',
};
/** Dark colours with the same contrasts. */
export const DARK: Palette = {
  page: '#11151c',
  panel: '#1a202a',
  text: '#e7ebf1',
  muted: '#a4afbd',
  line: '#333c49',
  bar: '#74a5ff',
  soft: '#33508a',
  warn: '#ff8d84',
  good: '#6fcf8b',
};

/** The reader's system font, since a report fetches nothing. */
export const FONT = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif';

/** The CSS property that each role sets. */
const CSS_PROPERTY: Readonly<Record<ColorRole, string>> = {
  page: 'background-color',
  panel: 'background-color',
  text: 'color',
  muted: 'color',
  line: 'border-color',
  bar: 'fill',
  soft: 'fill',
  warn: 'color',
  good: 'color',
};

/**
 * Class and style of an element with these colour roles. The colours are inline, because mail clients drop style sheets;
 * the classes let a style sheet override them. `css` is added to the inline style.
 */
export function styleAttributes(palette: Palette, roles: readonly ColorRole[], css = ''): MarkupAttributes {
  const colors = roles.map((role) => `${CSS_PROPERTY[role]}:${palette[role]}`);
  // Colours come last: a shorthand such as `border` would reset them.
  const style = [...(css === '' ? [] : [css]), ...colors].join(';');
  return { class: roles.map((role) => `g-${role}`).join(' '), style };
}

/** Style sheet rules that replace every role's inline colour with this palette's. */
export function overrideColors(palette: Palette): string {
  const rules = Object.entries(CSS_PROPERTY).map(
    ([role, property]) => `.g-${role}{${property}:${palette[role as ColorRole]} !important}`,
  );
  // SVG text takes its colour from `fill`.
  const svgText = (['text', 'muted', 'warn'] as const).map(
    (role) => `svg .g-${role}{fill:${palette[role]} !important}`,
  );
  return [...rules, ...svgText].join('');
}
