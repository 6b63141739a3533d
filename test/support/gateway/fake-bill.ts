import type { PicoUsd } from '../../../lambda/kernel/money.ts';
import { billOf as billBy } from '../../../local/fake-groq/bill.ts';
import type { ModelCount } from '../../../local/fake-groq/served.ts';
import { catalog } from '../catalog.ts';

/** What an upstream's counts come to by the product's own catalog. */
export function billOf(counts: Readonly<Record<string, ModelCount>>): PicoUsd {
  return billBy(counts, catalog);
}
