import { Agent, request } from 'node:http';

/** The endpoint under load, and the key for it. */
export type Target = { readonly baseUrl: string; readonly key: string };

/** The request of every call: a short prompt with a short response. */
export const BODY = {
  model: 'openai/gpt-oss-20b',
  max_tokens: 24,
  messages: [{ role: 'user', content: 'Say hello.' }],
};

/** Sends chat completions over some connections. Returns each call's milliseconds to the whole response, or to a stream's first byte. */
export async function measure(target: Target, connections: number, count: number, stream: boolean): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let left = count;
  const runCaller = async () => {
    while (left-- > 0) times.push(await send(target, agent, stream));
  };
  await Promise.all(Array.from({ length: connections }, runCaller));
  agent.destroy();
  return times;
}

function send({ baseUrl, key }: Target, agent: Agent, stream: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const outgoing = request(`${baseUrl}/openai/v1/chat/completions`, {
      method: 'POST',
      agent,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      if (response.statusCode !== 200) reject(new Error(`${baseUrl} answered ${response.statusCode}`));
      let firstByteMs: number | undefined;
      response.on('data', () => {
        firstByteMs ??= performance.now() - startMs;
      });
      response.once('end', () => resolve(stream ? (firstByteMs ?? 0) : performance.now() - startMs));
    });
    outgoing.end(JSON.stringify({ ...BODY, ...(stream ? { stream } : {}) }));
  });
}

/** Computes a quantile of times, in the unit of the times. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
