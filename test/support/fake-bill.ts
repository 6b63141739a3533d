import type { ChatModel } from '../../lambda/core/catalog.ts';
import { addUsd, type PicoUsd, ZERO_USD } from '../../lambda/core/money.ts';
import { chatCost } from '../../lambda/core/pricing.ts';
import type { ModelCount } from '../../local/fake-groq/served.ts';
import { catalog } from './catalog.ts';

/** What an upstream's counts come to: worked out from totals, apart from the call-by-call sums of the ledger. */
export function billOf(counts: Readonly<Record<string, ModelCount>>): PicoUsd {
  const lines = Object.entries(counts).map(([id, tokens]) => chatCost(catalog.models.get(id) as ChatModel, tokens));
  return lines.length === 0 ? ZERO_USD : addUsd(...lines);
}
