import { isObject } from '../../../lambda/kernel/json/json-object.ts';
import { addUsd } from '../../../lambda/kernel/money.ts';
import type { Catalog, ChatModel } from '../../../lambda/pricing/catalog.ts';
import { chatCost } from '../../../lambda/pricing/pricing.ts';
import { buildCompletion } from '../../../local/fake-groq/completion.ts';
import type { ServedCounts } from '../../../local/fake-groq/served-counts.ts';
import { computeBill } from '../../../local/fake-groq/upstream-bill.ts';
import { CommandError } from '../../command-error.ts';
import type { CallTemplate, UpstreamCounter } from '../figures.ts';

/** A call that a fake Groq answers with exactly `outputTokens`, priced by its response. */
export function fakeCallTemplate(model: ChatModel, outputTokens: number): CallTemplate {
  const prompt = `[tokens:${outputTokens}]`;
  const { tokens } = buildCompletion({ messages: [{ role: 'user', content: prompt }] }, model.id);
  return { model, prompt, outputTokens, costPicoUsd: chatCost(model, tokens) };
}

/** Computes the bill of a fake Groq, which also bills the responses that it broke off. */
export function createUpstreamCounter(read: () => Promise<ServedCounts>, catalog: Catalog): UpstreamCounter {
  return {
    async read() {
      const { byModel, interruptedByModel, requests, inFlight } = await read();
      const billed = addUsd(computeBill(byModel, catalog), computeBill(interruptedByModel, catalog));
      return { billed, requests, inFlight };
    },
  };
}

/**
 * Reads the count of a fake Groq at a URL.
 *
 * @throws CommandError when no fake Groq responds there.
 */
export async function readServed(address: string): Promise<ServedCounts> {
  if (!URL.canParse(address))
    throw new CommandError(`--upstream is "${address}"; it must be a URL such as http://127.0.0.1:9000`);
  try {
    const response = await fetch(new URL('/_fake/served', address));
    const served: unknown = await response.json();
    if (isObject(served) && isObject(served.byModel) && isObject(served.interruptedByModel))
      return served as ServedCounts;
  } catch {
    // Reported below: no fake Groq responds there.
  }
  throw new CommandError(`--upstream ${address} is not a fake Groq: it has no count at /_fake/served`);
}
