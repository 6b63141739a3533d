import { escapeHtml } from './html-text.ts';
import { type ColorRole, type Palette, styleAttributes } from './palette.ts';

/** A cell of a table: what is seen first, what stands under it smaller, and what a pointer is told. */
export type HtmlCell = {
  readonly text: string;
  readonly role?: ColorRole;
  readonly below?: string;
  readonly belowRole?: ColorRole;
  readonly title?: string;
};
/** A column: its heading, and whether its cells are figures. */
export type HtmlColumn = { readonly heading: string; readonly isFigure?: boolean };

const FRAME = 'border-collapse:collapse;width:100%;font-size:14px;line-height:1.35';
const CAPTION = 'text-align:left;font-size:17px;font-weight:600;padding:0 0 8px';

/** A table whose first cells name their rows; the last row may be a sum of all others. */
export function htmlTable(
  palette: Palette,
  caption: string,
  columns: readonly HtmlColumn[],
  rows: readonly (readonly HtmlCell[])[],
  sum?: readonly HtmlCell[],
): string {
  const side = (index: number) => (columns[index]?.isFigure === true ? 'text-align:right' : 'text-align:left');
  const cell = ({ text, role = 'text', below, belowRole = 'muted', title }: HtmlCell, index: number, css: string) => {
    const tag = index === 0 ? 'th scope="row"' : 'td';
    const wide = `padding:7px 6px;vertical-align:top;border-bottom:1px solid;font-weight:${index === 0 ? 600 : 400};${side(index)}${css}`;
    const figures =
      columns[index]?.isFigure === true
        ? 'font-variant-numeric:tabular-nums;white-space:nowrap'
        : 'overflow-wrap:break-word';
    const told = title === undefined ? '' : ` title="${escapeHtml(title)}"`;
    const under =
      below === undefined
        ? ''
        : `<div${styleAttributes(palette, [belowRole], 'font-size:12px;font-weight:400;white-space:normal')}>${escapeHtml(below)}</div>`;
    return `<${tag}${told}${styleAttributes(palette, [role, 'line'], `${wide};${figures}`)}>${escapeHtml(text)}${under}</${tag.slice(0, 2)}>`;
  };
  const heads = columns.map(
    ({ heading }, index) =>
      `<th scope="col"${styleAttributes(palette, ['muted', 'line'], `padding:6px 6px;vertical-align:bottom;border-bottom:2px solid;font-size:12px;font-weight:600;${side(index)}`)}>${escapeHtml(heading)}</th>`,
  );
  const body = rows.map((row) => `<tr>${row.map((one, index) => cell(one, index, '')).join('')}</tr>`);
  const foot =
    sum === undefined
      ? ''
      : `<tfoot><tr>${sum.map((one, index) => cell(one, index, ';font-weight:600;border-bottom-width:2px')).join('')}</tr></tfoot>`;
  return `<table${styleAttributes(palette, ['text'], FRAME)}><caption${styleAttributes(palette, ['text'], CAPTION)}>${escapeHtml(caption)}</caption><thead><tr>${heads.join('')}</tr></thead><tbody>${body.join('')}</tbody>${foot}</table>`;
}
