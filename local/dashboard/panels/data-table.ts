import { el, renderIfChanged } from '../dom.ts';

/** A column of a table. */
export type Column = { readonly title: string; readonly isNumber?: boolean };
/** A cell: text, or text that is marked by a label, with an id or a quieter line below it. */
export type Cell =
  | string
  | { readonly text: string; readonly label?: string; readonly id?: string; readonly below?: string };

/** What a table shows; the first cell of a row names it. */
export type TableContent = {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  readonly foot?: readonly Cell[];
  /** The class of each row's mark, where the rows have the colours of a chart. */
  readonly marks?: readonly string[];
};

/** Draws a table into its box, which can be scrolled by keys where it is too wide. */
export function drawTable(box: HTMLElement, content: TableContent): void {
  renderIfChanged(box, content, () => [buildTable(content)]);
  const isTooWide = box.scrollWidth > box.clientWidth;
  const attributes = { tabindex: '0', role: 'group', 'aria-label': `${content.caption}; scrolls sideways` };
  for (const [name, value] of Object.entries(attributes)) {
    if (isTooWide) box.setAttribute(name, value);
    else box.removeAttribute(name);
  }
}

function buildTable({ caption, columns, rows, foot, marks }: TableContent): HTMLTableElement {
  const buildRow = (cells: readonly Cell[], mark?: string) =>
    el('tr', {}, ...cells.map((cell, index) => buildCell(cell, columns[index], index === 0, mark)));
  const head = columns.map(({ title, isNumber }) => el('th', { scope: 'col', ...cellAttributes(isNumber) }, title));
  return el(
    'table',
    {},
    el('caption', {}, caption),
    el('thead', {}, el('tr', {}, ...head)),
    el('tbody', {}, ...rows.map((cells, index) => buildRow(cells, marks?.[index]))),
    ...(foot === undefined ? [] : [el('tfoot', {}, buildRow(foot))]),
  );
}

function buildCell(cell: Cell, column: Column | undefined, isFirst: boolean, mark: string | undefined): HTMLElement {
  const { text, label, id, below }: Exclude<Cell, string> = typeof cell === 'string' ? { text: cell } : cell;
  const children = [
    ...(isFirst && mark !== undefined ? [el('span', { class: `mark ${mark}` })] : []),
    ...(label === undefined ? [text] : [el('span', { class: `label ${label}` }, text)]),
    ...(id === undefined ? [] : [el('code', { class: 'below' }, id)]),
    ...(below === undefined ? [] : [el('span', { class: 'below' }, below)]),
  ];
  return isFirst
    ? el('th', { scope: 'row', ...cellAttributes(column?.isNumber) }, ...children)
    : el('td', cellAttributes(column?.isNumber), ...children);
}

function cellAttributes(isNumber: boolean | undefined): Record<string, string> {
  return isNumber ? { class: 'number' } : {};
}
