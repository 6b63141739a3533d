import type { PicoUsd } from '../../kernel/money.ts';
import { refusedOf, type UsageCounts } from '../../usage/usage.ts';
import type { HtmlCell } from './html-table.ts';
import { countShown, usdExact, usdShown } from './shown.ts';

/** An amount as it is shown, with its exact figure for those who point at it. */
export function amount(costPicoUsd: PicoUsd, decimals: number): HtmlCell {
  return { text: usdShown(costPicoUsd, decimals), title: usdExact(costPicoUsd) };
}

/** All tokens. */
export function tokens({ promptTokens, completionTokens }: UsageCounts): HtmlCell {
  return { text: countShown(promptTokens + completionTokens) };
}

/** Those that were served, and under them those that the gateway refused. */
export function requests(counts: UsageCounts): HtmlCell {
  const refused = refusedOf(counts);
  return { text: countShown(counts.requests), ...(refused === 0 ? {} : { below: `${countShown(refused)} refused` }) };
}
