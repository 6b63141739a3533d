import { type MarkupNode, markup } from '../../../lambda/kernel/markup.ts';
import { buildTable, type CellPosition, type Table } from '../../../lambda/reporting/render/table.ts';
import { renderIfChanged, toDom } from '../dom.ts';

/** A cell: text, optionally styled as a label, with an id or a smaller line below. */
export type Cell =
  | string
  | { readonly text: string; readonly label?: string; readonly id?: string; readonly below?: string };

/** Content of a table. `marks` are the classes of coloured marks, one per row, where rows match a chart's colours. */
export type TableContent = Table<Cell> & { readonly marks?: readonly string[] };

/** Draws a table into its box. A box that is too narrow becomes focusable, so that it can be scrolled by keyboard. */
export function drawTable(box: HTMLElement, content: TableContent): void {
  renderIfChanged(box, content, () => [toDom(tableMarkup(content))]);
  const isTooWide = box.scrollWidth > box.clientWidth;
  const attributes = { tabindex: '0', role: 'group', 'aria-label': `${content.caption}; scrolls sideways` };
  for (const [name, value] of Object.entries(attributes)) {
    if (isTooWide) box.setAttribute(name, value);
    else box.removeAttribute(name);
  }
}

function tableMarkup(content: TableContent) {
  return buildTable(content, {
    heading: ({ isFigure }) => figureClass(isFigure),
    cell: (cell, position) => ({
      attributes: figureClass(position.column?.isFigure),
      children: [...rowMark(content, position), ...cellContent(cell)],
    }),
  });
}

function rowMark({ marks }: TableContent, { isRowHeading, row }: CellPosition): readonly MarkupNode[] {
  const mark = isRowHeading && row !== undefined ? marks?.[row] : undefined;
  return mark === undefined ? [] : [markup('span', { class: `mark ${mark}` })];
}

function cellContent(cell: Cell): readonly MarkupNode[] {
  if (typeof cell === 'string') return [cell];
  const { text, label, id, below } = cell;
  return [
    label === undefined ? text : markup('span', { class: `label ${label}` }, text),
    ...(id === undefined ? [] : [markup('code', { class: 'below' }, id)]),
    ...(below === undefined ? [] : [markup('span', { class: 'below' }, below)]),
  ];
}

function figureClass(isFigure: boolean | undefined): Record<string, string> {
  return isFigure === true ? { class: 'number' } : {};
}
