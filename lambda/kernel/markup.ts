/** Attributes of an element, by name. */
export type MarkupAttributes = Readonly<Record<string, string | number>>;
/** An element of HTML or SVG. Values and text are plain: they are escaped when the element becomes markup. */
export type MarkupElement = {
  readonly tag: string;
  readonly attributes: MarkupAttributes;
  readonly children: readonly MarkupNode[];
};
/** An element or the text between elements. */
export type MarkupNode = MarkupElement | string;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Elements without content, which HTML and XML both allow to close themselves. */
const EMPTY_TAGS = new Set(['line', 'rect']);

/** Creates an element. */
export function markup(
  tag: string,
  attributes: MarkupAttributes = {},
  ...children: readonly MarkupNode[]
): MarkupElement {
  return { tag, attributes, children };
}

/** Serializes an element and everything in it as HTML, or as XML for an SVG file. */
export function renderMarkup(node: MarkupNode): string {
  if (typeof node === 'string') return escapeMarkup(node);
  const { tag, attributes, children } = node;
  const pairs = Object.entries(attributes).map(([name, value]) => ` ${name}="${escapeMarkup(String(value))}"`);
  const start = `<${tag}${pairs.join('')}`;
  if (children.length === 0 && EMPTY_TAGS.has(tag)) return `${start}/>`;
  return `${start}>${children.map(renderMarkup).join('')}</${tag}>`;
}

/** Escapes text for an element or a quoted attribute. `special` limits which of `& < > " '` are escaped. */
export function escapeMarkup(text: string, special: RegExp = /[&<>"']/g): string {
  return text.replace(special, (character) => ENTITIES[character] ?? character);
}
