import type { KeyRecord } from '../../access/key-record.ts';
import type { Clock, Log } from '../../kernel/clock.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import type { PolicySource } from '../../policy/policy-source.ts';
import { type CanaryResponse, type EnforcementCheck, judgeCanary, judgeUnknownKey } from '../enforcement.ts';
import type { ResourceHandler } from './custom-resource.ts';
import type { GatewayProbe } from './gateway-probe.ts';

/** Ports of the canary. */
export type CanaryPorts = {
  readonly policies: PolicySource;
  readonly keys: {
    put(key: string, record: KeyRecord): Promise<void>;
    remove(id: string, team: string): Promise<void>;
  };
  readonly mintKey: () => { readonly key: string; readonly keyId: string };
  readonly probe: (url: string) => Pick<GatewayProbe, 'chat'>;
  readonly clock: Clock;
  /** Deployments that have passed the check before. */
  readonly passed: { has(deployment: string): Promise<boolean>; add(deployment: string): Promise<void> };
  readonly log: Log;
};

/** Limit for a deployment to become ready, in milliseconds. Each of the two checks gets half of it. */
const READY_TIMEOUT_MS = 150_000;
const POLL_INTERVAL_MS = 3_000;
/** Consecutive refusals that a check requires, because the first may come from the deployment that is being replaced. */
const REQUIRED_CONSECUTIVE = 3;
/** Lifetime of the canary's key in milliseconds, in case it cannot be removed. */
const KEY_TTL_MS = 600_000;

/**
 * Creates the handler of the check at the end of a deployment: an unknown key must be refused, and a call on a budget of $0
 * too. Otherwise the resource fails, and the deployment rolls back.
 */
export function canaryHandler(ports: CanaryPorts): ResourceHandler {
  return async (event) => {
    if (event.RequestType === 'Delete') return {};
    const url = (event.ResourceProperties as Readonly<Record<string, unknown>>).Url;
    const deployment = String((event.ResourceProperties as Readonly<Record<string, unknown>>).Deployment);
    if (typeof url !== 'string') throw new Error('the resource has no property Url');
    const { keys, mintKey, clock } = ports;
    const { key, keyId } = mintKey();
    const createdAtEpochMs = clock.nowEpochMs();
    await keys.put(key, {
      keyId,
      role: 'member',
      team: CANARY_TEAM,
      name: `${CANARY_TEAM}-deployment`,
      createdAtEpochMs,
      expiresAtEpochMs: createdAtEpochMs + KEY_TTL_MS,
      isTemporary: true,
    });
    try {
      const evidence = await verifyEnforcement(ports, url, key);
      await ports.passed.add(deployment);
      return { Evidence: evidence };
    } catch (error) {
      // A deployment that has passed before is the target of a rollback. Failing it would leave the stack half updated.
      if (!(await ports.passed.has(deployment))) throw error;
      const message = error instanceof Error ? error.message : String(error);
      ports.log('canary_failed_after_rollback', { message });
      return { Evidence: `it has passed before, and now: ${message}` };
    } finally {
      await keys.remove(keyId, CANARY_TEAM);
    }
  };
}

async function verifyEnforcement(ports: CanaryPorts, url: string, key: string): Promise<string> {
  const { teams } = await ports.policies.policies();
  const model = teams.get(CANARY_TEAM)?.allowedModels[0];
  if (model === undefined) throw new Error("the canary's policy has not been published");
  const probe = ports.probe(url);
  const body = { model, messages: [{ role: 'user', content: 'canary' }], max_completion_tokens: 1 };
  await pollUntilEnforced(ports.clock, () => probe.chat(ports.mintKey().key, body), judgeUnknownKey);
  await pollUntilEnforced(ports.clock, () => probe.chat(key, body), judgeCanary);
  return 'an unknown key was refused by 401, a team with a budget of $0 by 402';
}

async function pollUntilEnforced(
  clock: Clock,
  call: () => Promise<CanaryResponse>,
  judge: (answer: CanaryResponse) => EnforcementCheck,
): Promise<void> {
  const startMs = clock.monotonicMs();
  for (let consecutive = 0; ; ) {
    const judged = await call().then(judge, (error: unknown): EnforcementCheck => {
      const { name } = error instanceof Error ? error : { name: 'unknown' };
      return { verdict: 'not_ready', why: `the endpoint could not be reached (${name})` };
    });
    consecutive = judged.verdict === 'enforced' ? consecutive + 1 : 0;
    if (consecutive === REQUIRED_CONSECUTIVE) return;
    const isTimedOut = judged.verdict === 'not_ready' && clock.monotonicMs() - startMs >= READY_TIMEOUT_MS / 2;
    if (judged.verdict === 'broken' || isTimedOut) throw new Error(`the deployment does not enforce: ${judged.why}`);
    await clock.sleep(POLL_INTERVAL_MS);
  }
}
