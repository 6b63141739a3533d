export { type GatewayProcess, startGatewayProcess } from '../../../local/host/gateway-process.ts';

import type { GatewayProcess } from '../../../local/host/gateway-process.ts';

/** An environment with one team `roomy` of generous limits; `fields` override its policy. */
export function roomyEnvironment(fields: Record<string, unknown> = {}): { teams: { roomy: Record<string, unknown> } } {
  return {
    teams: {
      roomy: {
        allowedModels: ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'],
        monthlyBudgetUsd: 100,
        rateLimitRpm: 1_000_000,
        rateLimitTpm: null,
        maxConcurrent: 200,
        maxTokensPerRequest: 2_048,
        ...fields,
      },
    },
  };
}

/** Sends a chat completion and reads the whole response. */
export async function postChat(
  gateway: Pick<GatewayProcess, 'baseUrl'>,
  key: string,
  body: object,
  signal?: AbortSignal,
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${gateway.baseUrl}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hello' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A team's budget as the gateway reports it. */
export async function fetchBudget(
  gateway: Pick<GatewayProcess, 'baseUrl'>,
  key: string,
): Promise<Record<string, string>> {
  const response = await fetch(`${gateway.baseUrl}/openai/v1/budget`, { headers: { authorization: `Bearer ${key}` } });
  return (await response.json()) as Record<string, string>;
}
