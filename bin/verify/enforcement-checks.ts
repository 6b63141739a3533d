import { setTimeout as sleep } from 'node:timers/promises';
import { CACHE_MS } from '../../lambda/contract.ts';
import type { GatewayProbe, ProbeResponse } from '../../lambda/deployment/io/gateway-probe.ts';
import type { TeamPolicy } from '../../lambda/policy/environment.ts';
import type { Catalog } from '../../lambda/pricing/catalog.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** The inputs of the checks over HTTP. */
export type EnforcementTarget = {
  readonly probe: GatewayProbe;
  readonly catalog: Catalog;
  readonly canary: TeamPolicy;
  /** A key of the canary team, whose budget is $0. */
  readonly canaryKey: string;
  /** A well-formed key that does not exist. */
  readonly unknownKey: string;
  /** Revokes the canary's key. */
  revokeCanaryKey(): Promise<void>;
};

/** The authorizer may accept a revoked key for as long as its cache lasts; ten seconds more for latency. */
const REVOCATION_TIMEOUT_MS = CACHE_MS + 10_000;
const RETRY_INTERVAL_MS = 2_000;

/** Checks that the gateway refuses what it must. The last one, of revocation, revokes the canary's key. */
export function enforcementChecks(target: EnforcementTarget, withRevocation: boolean): readonly Check[] {
  const { probe, catalog, canary, canaryKey, unknownKey } = target;
  const [model = ''] = canary.allowedModels;
  const buildCall = (overrides: object = {}) => ({
    model,
    messages: [{ role: 'user', content: 'verify' }],
    max_completion_tokens: 1,
    ...overrides,
  });
  const forbidden = [...catalog.models.keys()].find((id) => !canary.allowedModels.includes(id)) ?? 'none';
  const checks: Check[] = [
    {
      id: 'no-key',
      title: 'A request without a key is refused',
      run: async () =>
        expectRefusal(await probe.call('POST', '/openai/v1/chat/completions', undefined, '{}'), 401, 'invalid_api_key'),
    },
    {
      id: 'unknown-key',
      title: 'An unknown key is refused',
      run: async () => expectRefusal(await probe.chat(unknownKey, buildCall()), 401, 'invalid_api_key'),
    },
    {
      id: 'unknown-url',
      title: 'An unknown path is a 404 with the standard body',
      run: async () => expectRefusal(await probe.call('GET', '/v1/unmetered', canaryKey), 404, 'unknown_url'),
    },
    {
      id: 'model-not-allowed',
      title: 'A model outside the policy is refused',
      run: async () =>
        expectRefusal(await probe.chat(canaryKey, buildCall({ model: forbidden })), 403, 'model_not_allowed'),
    },
    {
      id: 'oversized',
      title: 'More output tokens than the policy allows are refused',
      run: async () =>
        expectRefusal(
          await probe.chat(canaryKey, buildCall({ max_completion_tokens: 100_000_000 })),
          400,
          'max_tokens_exceeded',
        ),
    },
    {
      id: 'budget',
      title: 'A team with a budget of $0 is refused, and clients do not retry',
      run: async () => {
        const response = await probe.chat(canaryKey, buildCall());
        const retry = response.headers.get('x-should-retry');
        const { status, evidence } = expectRefusal(response, 402, 'team_budget_exceeded');
        return outcome(status === 'pass' && retry === 'false', `${evidence}, x-should-retry: ${retry}`);
      },
    },
  ];
  if (withRevocation) checks.push(revocationCheck(target, buildCall()));
  return checks;
}

function revocationCheck({ probe, canaryKey, revokeCanaryKey }: EnforcementTarget, call: object): Check {
  return {
    id: 'revocation',
    title: 'A revoked key is refused once the authorizer cache of one minute expires',
    run: async () => {
      const before = await probe.chat(canaryKey, call);
      await revokeCanaryKey();
      const startMs = performance.now();
      for (;;) {
        const { status } = await probe.chat(canaryKey, call);
        const afterMs = performance.now() - startMs;
        if (status === 401)
          return outcome(before.status === 402, `401 ${Math.round(afterMs / 1000)} s after the revocation`);
        if (afterMs > REVOCATION_TIMEOUT_MS)
          return outcome(false, `still ${status} ${Math.round(afterMs / 1000)} s after the revocation`);
        await sleep(RETRY_INTERVAL_MS);
      }
    },
  };
}

function expectRefusal(
  { status, code, headers }: ProbeResponse,
  expectedStatus: number,
  expectedCode: string,
): Outcome {
  const isJson = headers.get('content-type')?.startsWith('application/json') === true;
  const actual = `${status} ${code || '(no code)'}${isJson ? '' : ', not JSON'}`;
  const isExpected = status === expectedStatus && code === expectedCode && isJson;
  return outcome(isExpected, isExpected ? actual : `${actual} instead of ${expectedStatus} ${expectedCode}`);
}
