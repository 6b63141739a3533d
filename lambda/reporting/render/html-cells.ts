import type { PicoUsd } from '../../kernel/money.ts';
import { sumRefusals, type UsageCounts } from '../../usage/usage.ts';
import { formatCount, formatExactUsd, formatUsd } from './format.ts';
import type { HtmlCell } from './html-table.ts';

/** An amount as it is shown, with its exact figure for those who point at it. */
export function amount(costPicoUsd: PicoUsd, decimals: number): HtmlCell {
  return { text: formatUsd(costPicoUsd, decimals), title: formatExactUsd(costPicoUsd) };
}

/** All tokens. */
export function tokens({ promptTokens, completionTokens }: UsageCounts): HtmlCell {
  return { text: formatCount(promptTokens + completionTokens) };
}

/** Those that were served, and under them those that the gateway refused. */
export function requests(counts: UsageCounts): HtmlCell {
  const refused = sumRefusals(counts);
  return { text: formatCount(counts.requests), ...(refused === 0 ? {} : { below: `${formatCount(refused)} refused` }) };
}
