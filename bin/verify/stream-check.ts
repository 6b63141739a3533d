import type { TeamPolicy } from '../../lambda/policy/environment.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** How much output the streamed call asks for: enough for several chunks, some thousandths of a cent. */
const TOKENS = 256;
/** Over how long a stream must arrive: so many milliseconds, and this share of the time until it began. */
const MIN_SPREAD_MS = 10;
const MIN_SPREAD_SHARE = 0.05;
const TIMEOUT_MS = 60_000;

/** Makes one real streamed call in a team's name: the only check that spends money. */
export function streamCheck(endpoint: string, policy: TeamPolicy, model: string, key: string): Check {
  return {
    id: 'streaming',
    title: 'A streamed answer arrives as it is made',
    run: async () => {
      const startMs = performance.now();
      const response = await fetch(`${endpoint}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({
          model,
          stream: true,
          max_completion_tokens: Math.min(TOKENS, policy.maxTokensPerRequest ?? TOKENS),
          messages: [{ role: 'user', content: 'Count from one to eighty in words.' }],
        }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return await readStream(response, policy.team, startMs);
    },
  };
}

export async function readStream(response: Response, team: string, startMs: number): Promise<Outcome> {
  const type = response.headers.get('content-type') ?? '';
  if (response.status !== 200 || !type.startsWith('text/event-stream'))
    return outcome(false, `team ${team} got ${response.status} ${type}: ${(await response.text()).slice(0, 200)}`);
  const arrivals: number[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of response.body ?? []) {
    arrivals.push(performance.now());
    text += decoder.decode(piece, { stream: true });
  }
  const events = text.split('\n\n').filter((event) => event.startsWith('data: ')).length;
  const isWhole = text.trimEnd().endsWith('data: [DONE]');
  const [first = startMs] = arrivals;
  const overMs = (arrivals.at(-1) ?? first) - first;
  // An answer that was held back whole arrives all at once, whatever number of pieces the network makes of it.
  const isSpread = overMs >= MIN_SPREAD_MS && overMs >= MIN_SPREAD_SHARE * (first - startMs);
  const seen = `${events} events over ${Math.round(overMs)} ms, the first after ${Math.round(first - startMs)} ms, ${isWhole ? 'whole' : 'cut off'}, as team ${team}`;
  return outcome(isWhole && events > 1 && isSpread, seen);
}
