import type { GatewayProcess } from '../../local/host/gateway-process.ts';
import { buildMixedCalls, type MixedCall } from './call-mix.ts';

/** The size of a run. */
export type AgreementOptions = {
  readonly requests: number;
  readonly processes: number;
  readonly concurrency: number;
  readonly onProgress: (done: number, total: number) => void;
};

/** Sends the mix of calls to the gateways, with `concurrency` callers. */
export async function sendAll(
  { requests, processes, concurrency, onProgress }: AgreementOptions,
  gateways: readonly GatewayProcess[],
): Promise<void> {
  const calls = buildMixedCalls(requests, processes);
  const next = calls.values();
  let done = 0;
  const runCaller = async () => {
    for (const call of next) {
      await send(call, gateways[call.process] as GatewayProcess);
      onProgress(++done, calls.length);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runCaller));
}

async function send({ team, body, disconnects }: MixedCall, { baseUrl, teams }: GatewayProcess): Promise<void> {
  const abort = new AbortController();
  const response = await fetch(`${baseUrl}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${teams[team]?.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: abort.signal,
  });
  if (disconnects) {
    await response.body?.getReader().read();
    abort.abort();
  } else await response.text();
}
