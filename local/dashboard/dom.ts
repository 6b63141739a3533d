import type { MarkupElement } from '../../lambda/kernel/markup.ts';

type Child = Node | string;

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

/** Creates an HTML element. Strings become text, never markup, so that no response of the gateway can inject any. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Turns the markup of a shared renderer into DOM nodes. Its strings become text, too. */
export function toDom({ tag, attributes, children }: MarkupElement, isSvg = tag === 'svg'): Element {
  const element = isSvg ? document.createElementNS(SVG_NAMESPACE, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(
    ...children.map((child) => (typeof child === 'string' ? child : toDom(child, isSvg || child.tag === 'svg'))),
  );
  return element;
}

/**
 * Finds an element of index.html.
 *
 * @throws Error if there is none with this id.
 */
export function elementById(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** Sets an element's text if it differs, because screen readers announce every change of a live region. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const rendered = new WeakMap<Element, string>();

/** Replaces an element's content if its data has changed. */
export function renderIfChanged(element: Element, data: unknown, render: () => readonly Child[]): void {
  const text = JSON.stringify(data) ?? '';
  if (rendered.get(element) === text) return;
  rendered.set(element, text);
  element.replaceChildren(...render());
}

/** Empties an element. */
export function clear(element: Element): void {
  rendered.delete(element);
  element.replaceChildren();
}
