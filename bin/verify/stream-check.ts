import type { TeamPolicy } from '../../lambda/policy/environment.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** A team in whose name a call can be streamed. */
export type StreamCaller = { readonly policy: TeamPolicy; readonly model: string; readonly key: string };

/** Output tokens of the streamed call: enough for several chunks, at some thousandths of a cent. */
const TOKENS = 256;
/** A streamed response arrives over at least this time, and over this share of the time to its first byte. */
const MIN_SPREAD_MS = 10;
const MIN_SPREAD_SHARE = 0.05;
const TIMEOUT_MS = 60_000;

/** Makes one real streamed call in a team's name, the only check that spends money. Fails when no team can call. */
export function streamCheck(endpoint: string, caller: StreamCaller | undefined): Check {
  return {
    id: 'streaming',
    title: 'A streamed response arrives as it is generated',
    run: async () => {
      if (caller === undefined) return outcome(false, 'no team has both a Groq key and a chat model');
      const { policy, model, key } = caller;
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

/** Reads a streamed response and judges whether it arrived complete and in pieces. `startMs` is by `performance.now()`. */
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
  const isComplete = text.trimEnd().endsWith('data: [DONE]');
  const [first = startMs] = arrivals;
  const durationMs = (arrivals.at(-1) ?? first) - first;
  // A buffered response arrives all at once, in however many pieces the network splits it.
  const isSpread = durationMs >= MIN_SPREAD_MS && durationMs >= MIN_SPREAD_SHARE * (first - startMs);
  const evidence = `${events} events over ${Math.round(durationMs)} ms, the first after ${Math.round(first - startMs)} ms, ${isComplete ? 'complete' : 'cut off'}, as team ${team}`;
  return outcome(isComplete && events > 1 && isSpread, evidence);
}
