/**
 * Parses CSV (RFC 4180) strictly, independently of the renderer. Each row becomes an object keyed by the header.
 *
 * @throws Error for malformed CSV.
 */
export function parseCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const match = cell.exec(text);
    if (match === null) throw new Error(`malformed CSV at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    row.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  const [header = [], ...rest] = rows;
  return rest.map((cells) => {
    if (cells.length !== header.length) throw new Error(`a row has ${cells.length} cells instead of ${header.length}`);
    return Object.fromEntries(header.map((name, index) => [name, cells[index] ?? '']));
  });
}
