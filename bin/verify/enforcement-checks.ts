import { setTimeout as sleep } from 'node:timers/promises';
import { CACHE_MS } from '../../lambda/contract.ts';
import type { GatewayProbe, ProbeResponse } from '../../lambda/deployment/io/gateway-probe.ts';
import type { TeamPolicy } from '../../lambda/policy/environment.ts';
import type { Catalog } from '../../lambda/pricing/catalog.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** What the checks over HTTP are made with. */
export type EnforcementTarget = {
  readonly probe: GatewayProbe;
  readonly catalog: Catalog;
  readonly canary: TeamPolicy;
  /** A key of the team that may spend nothing. */
  readonly canaryKey: string;
  /** A well-formed key that nobody has. */
  readonly unknownKey: string;
  /** Revokes the canary's key. */
  revokeCanaryKey(): Promise<void>;
};

/** How long the edge may go on taking a revoked key, in milliseconds: the authorizer's cache, and some for the way. */
const REVOCATION_TIMEOUT_MS = CACHE_MS + 10_000;
const RETRY_INTERVAL_MS = 2_000;

/** What a caller who must be refused sees. Every check but the last leaves the key as it was. */
export function enforcementChecks(target: EnforcementTarget, withRevocation: boolean): readonly Check[] {
  const { probe, catalog, canary, canaryKey, unknownKey } = target;
  const [model = ''] = canary.allowedModels;
  const call = (more: object = {}) => ({
    model,
    messages: [{ role: 'user', content: 'verify' }],
    max_completion_tokens: 1,
    ...more,
  });
  const forbidden = [...catalog.models.keys()].find((id) => !canary.allowedModels.includes(id)) ?? 'none';
  const checks: Check[] = [
    {
      id: 'no-key',
      title: 'A request without a key is refused',
      run: async () =>
        expectAnswer(await probe.call('POST', '/openai/v1/chat/completions', undefined, '{}'), 401, 'invalid_api_key'),
    },
    {
      id: 'unknown-key',
      title: 'A key that nobody has is refused',
      run: async () => expectAnswer(await probe.chat(unknownKey, call()), 401, 'invalid_api_key'),
    },
    {
      id: 'unknown-url',
      title: 'A path that does not exist is a 404 with the standard body',
      run: async () => expectAnswer(await probe.call('GET', '/v1/unmetered', canaryKey), 404, 'unknown_url'),
    },
    {
      id: 'model-not-allowed',
      title: 'A model that the team may not use is refused',
      run: async () => expectAnswer(await probe.chat(canaryKey, call({ model: forbidden })), 403, 'model_not_allowed'),
    },
    {
      id: 'oversized',
      title: 'More output than a request may have is refused',
      run: async () =>
        expectAnswer(
          await probe.chat(canaryKey, call({ max_completion_tokens: 100_000_000 })),
          400,
          'max_tokens_exceeded',
        ),
    },
    {
      id: 'budget',
      title: 'A team with a budget of $0 is refused, in a way that no client retries',
      run: async () => {
        const answer = await probe.chat(canaryKey, call());
        const retries = answer.headers.get('x-should-retry');
        const seen = expectAnswer(answer, 402, 'team_budget_exceeded');
        return outcome(seen.status === 'pass' && retries === 'false', `${seen.evidence}, x-should-retry: ${retries}`);
      },
    },
  ];
  if (withRevocation) checks.push(revocationCheck(target, call()));
  return checks;
}

function revocationCheck({ probe, canaryKey, revokeCanaryKey }: EnforcementTarget, call: object): Check {
  return {
    id: 'revocation',
    title: "A revoked key is refused when the edge's cache of a minute is over",
    run: async () => {
      const before = await probe.chat(canaryKey, call);
      await revokeCanaryKey();
      const startMs = performance.now();
      for (;;) {
        const { status } = await probe.chat(canaryKey, call);
        const afterMs = performance.now() - startMs;
        if (status === 401)
          return outcome(before.status === 402, `401 ${Math.round(afterMs / 1000)} s after its revocation`);
        if (afterMs > REVOCATION_TIMEOUT_MS)
          return outcome(false, `still ${status} ${Math.round(afterMs / 1000)} s after its revocation`);
        await sleep(RETRY_INTERVAL_MS);
      }
    },
  };
}

function expectAnswer({ status, code, headers }: ProbeResponse, wantedStatus: number, wantedCode: string): Outcome {
  const isJson = headers.get('content-type')?.startsWith('application/json') === true;
  const seen = `${status} ${code || '(no code)'}${isJson ? '' : ', not JSON'}`;
  const isMet = status === wantedStatus && code === wantedCode && isJson;
  return outcome(isMet, isMet ? seen : `${seen} instead of ${wantedStatus} ${wantedCode}`);
}
