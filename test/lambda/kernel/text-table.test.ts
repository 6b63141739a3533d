import { describe, expect, it } from 'vitest';
import { renderMarkdownTable, renderTextTable } from '../../../lambda/kernel/text-table.ts';

describe('a text table', () => {
  it('aligns columns, figures to the right, without trailing spaces', () => {
    const rows = [
      ['a', '1', 'x'],
      ['long', '1,000', ''],
    ];
    expect(renderTextTable(['name', 'n', 'note'], rows, [1])).toBe(
      ['name      n  note', 'a         1  x', 'long  1,000'].join('\n'),
    );
  });
});

describe('a Markdown table', () => {
  it('has one line per row, whatever its cells contain', () => {
    expect(renderMarkdownTable(['what', 'n'], [['a|b\r\nc', 2]], [1])).toBe(
      ['| what | n |', '| --- | ---: |', '| a\\|b c | 2 |'].join('\n'),
    );
  });
});
