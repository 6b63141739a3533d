import { type MarkupAttributes, type MarkupElement, type MarkupNode, markup } from '../../kernel/markup.ts';

/** A column with its heading; figures are right-aligned. */
export type TableColumn = { readonly heading: string; readonly isFigure?: boolean };
/** Content of a table; the first cell of each row is its heading. */
export type Table<Cell> = {
  readonly caption: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Cell[])[];
  /** Totals. */
  readonly foot?: readonly Cell[];
};

/** Position of a cell: its column, and its row in the body, or undefined in the foot. */
export type CellPosition = {
  readonly column: TableColumn | undefined;
  readonly isRowHeading: boolean;
  readonly row: number | undefined;
};
/** Attributes of a table's parts and content of its cells. */
export type TableStyle<Cell> = {
  readonly table?: MarkupAttributes;
  readonly caption?: MarkupAttributes;
  readonly heading: (column: TableColumn) => MarkupAttributes;
  readonly cell: (
    cell: Cell,
    position: CellPosition,
  ) => { readonly attributes: MarkupAttributes; readonly children: readonly MarkupNode[] };
};

/** Builds an HTML table that screen readers can navigate: caption, column headings and row headings. */
export function buildTable<Cell>(
  { caption, columns, rows, foot }: Table<Cell>,
  style: TableStyle<Cell>,
): MarkupElement {
  const buildRow = (cells: readonly Cell[], row: number | undefined) =>
    markup(
      'tr',
      {},
      ...cells.map((cell, index) => {
        const isRowHeading = index === 0;
        const { attributes, children } = style.cell(cell, { column: columns[index], isRowHeading, row });
        return isRowHeading
          ? markup('th', { scope: 'row', ...attributes }, ...children)
          : markup('td', attributes, ...children);
      }),
    );
  const headings = columns.map((column) => markup('th', { scope: 'col', ...style.heading(column) }, column.heading));
  return markup(
    'table',
    style.table,
    markup('caption', style.caption, caption),
    markup('thead', {}, markup('tr', {}, ...headings)),
    markup('tbody', {}, ...rows.map(buildRow)),
    ...(foot === undefined ? [] : [markup('tfoot', {}, buildRow(foot, undefined))]),
  );
}
