type Child = Node | string;

/** Makes an element; whatever is shown of the gateway's answers goes through here as text, never as markup. */
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

/** The same for drawings. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * An element of the page's own skeleton.
 *
 * @throws Error when the skeleton lacks it.
 */
export function elementById(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** Changes a text only where it differs, so that nothing is told or drawn again without a reason. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const rendered = new WeakMap<Element, string>();

/** Draws an element's content when what it is drawn from has changed. */
export function renderIfChanged(element: Element, from: unknown, make: () => readonly Child[]): void {
  const text = JSON.stringify(from) ?? '';
  if (rendered.get(element) === text) return;
  rendered.set(element, text);
  element.replaceChildren(...make());
}

/** Takes everything out of an element. */
export function clear(element: Element): void {
  rendered.delete(element);
  element.replaceChildren();
}
