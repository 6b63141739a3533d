import { expect } from 'vitest';
import { fetchBudget, type GatewayProcess } from './gateway-process.ts';

/** A row of `GET /openai/v1/usage`. */
export type ReportedUsage = Readonly<Partial<Record<'day' | 'team' | 'key_id' | 'key_name' | 'model', string>>> & {
  readonly requests: number;
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly completion_tokens: number;
  readonly cost_usd: string;
  readonly assumed_usd: string;
  readonly voided_requests: number;
  readonly expired_requests: number;
  readonly refused_requests: number;
  readonly refusals: Readonly<Record<string, number>>;
};

/** The response of `GET /openai/v1/usage`. */
export type UsageResponse = {
  readonly data: readonly ReportedUsage[];
  readonly total: ReportedUsage;
  readonly usage_by_key: readonly Record<string, string | number>[];
};

type Endpoint = Pick<GatewayProcess, 'baseUrl'>;
/** The maximum lag of the projection behind the ledger on a busy machine, in milliseconds. */
const DRAINED_WITHIN_MS = 30_000;

/** Reads the usage that a key may see. */
export async function fetchUsage(gateway: Endpoint, key: string, query = ''): Promise<UsageResponse> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${gateway.baseUrl}/openai/v1/usage${query}`, { headers });
  expect(response.status).toBe(200);
  return (await response.json()) as UsageResponse;
}

/** Waits until the team has no call in flight and the usage matches its ledger, and returns the usage. */
export async function waitForSettledUsage(gateway: Endpoint, teamKey: string, query = ''): Promise<UsageResponse> {
  const startMs = performance.now();
  for (;;) {
    const budget = await fetchBudget(gateway, teamKey);
    const usage = await fetchUsage(gateway, teamKey, query);
    if (budget.held_usd === '0' && usage.total.cost_usd === budget.spent_usd) return usage;
    expect(performance.now() - startMs, `${usage.total.cost_usd} of ${budget.spent_usd}`).toBeLessThan(
      DRAINED_WITHIN_MS,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
