import type { PicoUsd } from '../../../lambda/kernel/money.ts';
import type { ModelCount } from '../../../local/fake-groq/served-counts.ts';
import { computeBill as computeCatalogBill } from '../../../local/fake-groq/upstream-bill.ts';
import { catalog } from '../catalog.ts';

/** Computes an upstream's bill by the product's own catalog. */
export function computeBill(counts: Readonly<Record<string, ModelCount>>): PicoUsd {
  return computeCatalogBill(counts, catalog);
}
