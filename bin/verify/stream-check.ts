import type { TeamPolicy } from '../../lambda/core/environment.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** How much output the streamed call asks for: enough for several chunks, some thousandths of a cent. */
const TOKENS = 64;
const TIMEOUT_MS = 60_000;

/** Makes one real streamed call in a team's name: the only check that spends money. */
export function streamCheck(endpoint: string, policy: TeamPolicy, model: string, key: string): Check {
  return {
    id: 'streaming',
    title: 'A streamed answer arrives as it is made',
    run: async () => {
      const response = await fetch(`${endpoint}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({
          model,
          stream: true,
          max_completion_tokens: Math.min(TOKENS, policy.maxTokensPerRequest ?? TOKENS),
          messages: [{ role: 'user', content: 'Count from one to twenty in words.' }],
        }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return await readStream(response, policy.team);
    },
  };
}

async function readStream(response: Response, team: string): Promise<Outcome> {
  const type = response.headers.get('content-type') ?? '';
  if (response.status !== 200 || !type.startsWith('text/event-stream'))
    return outcome(false, `team ${team} got ${response.status} ${type}: ${(await response.text()).slice(0, 200)}`);
  let pieces = 0;
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of response.body ?? []) {
    pieces++;
    text += decoder.decode(piece, { stream: true });
  }
  const events = text.split('\n\n').filter((event) => event.startsWith('data: ')).length;
  const isWhole = text.trimEnd().endsWith('data: [DONE]');
  const seen = `${events} events in ${pieces} pieces, ${isWhole ? 'whole' : 'cut off'}, as team ${team}`;
  return outcome(isWhole && events > 1 && pieces > 1, seen);
}
