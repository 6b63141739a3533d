import { describe, expect, it } from 'vitest';
import { escapeMarkup, markup, renderMarkup } from '../../../lambda/kernel/markup.ts';

describe('markup', () => {
  it('escapes every text and attribute value', () => {
    const link = markup('a', { title: `"it's" <b>` }, 'a < b & c', markup('b', {}, '>'));
    expect(renderMarkup(link)).toBe('<a title="&quot;it&#39;s&quot; &lt;b&gt;">a &lt; b &amp; c<b>&gt;</b></a>');
  });

  it('closes an empty SVG shape itself, but no other element', () => {
    expect(renderMarkup(markup('g', {}, markup('rect', { x: 0.5 }), markup('td')))).toBe(
      '<g><rect x="0.5"/><td></td></g>',
    );
    expect(renderMarkup(markup('rect', {}, markup('title', {}, 'tip')))).toBe('<rect><title>tip</title></rect>');
  });

  it('escapes only the characters that a format reserves', () => {
    expect(escapeMarkup(`"<&>'`, /[&<>]/g)).toBe(`"&lt;&amp;&gt;'`);
  });
});
