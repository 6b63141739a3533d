/** What a colour is for. */
export type ColorRole = 'page' | 'panel' | 'text' | 'muted' | 'line' | 'bar' | 'soft' | 'warn' | 'good';
/** A colour for each purpose. */
export type Palette = Readonly<Record<ColorRole, string>>;

/** Contrasts of text on page and panel are 4.5 and more (WCAG 2.2, 1.4.3), of bars 3 and more. */
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
/** The same for those who work in the dark. */
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

/** What everything is written in: the reader's own letters, since nothing is fetched. */
export const FONT = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif';

/** How a role is painted: text and fill by the colour itself, surfaces behind, lines at the edge. */
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
 * The attributes of an element that has these roles: colours inline, since mail clients drop style sheets, and classes by
 * which a style sheet may change them. `css` comes besides.
 */
export function styleAttributes(palette: Palette, roles: readonly ColorRole[], css = ''): string {
  const colours = roles.map((role) => `${CSS_PROPERTY[role]}:${palette[role]}`);
  // Colours last: a shorthand such as `border` would take them back.
  const style = [...(css === '' ? [] : [css]), ...colours].join(';');
  return ` class="${roles.map((role) => `g-${role}`).join(' ')}" style="${style}"`;
}

/** Rules that repaint every role, over what is inline. */
export function overrideColors(palette: Palette): string {
  const rules = Object.entries(CSS_PROPERTY).map(
    ([role, property]) => `.g-${role}{${property}:${palette[role as ColorRole]} !important}`,
  );
  // Letters in a drawing are filled, not coloured.
  const letters = (['text', 'muted', 'warn'] as const).map(
    (role) => `svg .g-${role}{fill:${palette[role]} !important}`,
  );
  return [...rules, ...letters].join('');
}
