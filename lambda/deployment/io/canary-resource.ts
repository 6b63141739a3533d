import type { KeyRecord } from '../../access/key-record.ts';
import type { Clock, Log } from '../../kernel/clock.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import type { PolicySource } from '../../policy/policy-source.ts';
import { type CanaryResponse, type EnforcementCheck, judgeCanary, judgeUnknownKey } from '../enforcement.ts';
import type { ResourceHandler } from './custom-resource.ts';
import type { GatewayProbe } from './gateway-probe.ts';

/** What the check that follows a deployment needs of the world. */
export type CanaryPorts = {
  readonly policies: PolicySource;
  readonly keys: {
    put(key: string, record: KeyRecord): Promise<void>;
    remove(id: string, team: string): Promise<void>;
  };
  readonly mintKey: () => { readonly key: string; readonly keyId: string };
  readonly probe: (url: string) => Pick<GatewayProbe, 'chat'>;
  readonly clock: Clock;
  /** Which deployments have passed before. */
  readonly passed: { has(deployment: string): Promise<boolean>; add(deployment: string): Promise<void> };
  readonly log: Log;
};

/** How long a deployment may take to become ready, in milliseconds, and how often it is asked. */
const READY_TIMEOUT_MS = 150_000;
const POLL_INTERVAL_MS = 3_000;
/** How many refusals in a row count: the first may come from the deployment before, which is still being replaced. */
const REQUIRED_CONSECUTIVE = 3;
/** How long the canary's key would work if it could not be taken away, in milliseconds. */
const KEY_TTL_MS = 600_000;

/**
 * The check that follows each deployment: an unknown key must be refused, and so must a team that may spend nothing.
 * The resource fails otherwise, and with it the deployment, which rolls back.
 */
export function canaryHandler(ports: CanaryPorts): ResourceHandler {
  return async (event) => {
    if (event.RequestType === 'Delete') return {};
    const url = (event.ResourceProperties as Readonly<Record<string, unknown>>).Url;
    const deployment = String((event.ResourceProperties as Readonly<Record<string, unknown>>).Deployment);
    if (typeof url !== 'string') throw new Error('the resource names no Url');
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
      // A deployment that has passed before is being rolled back to; failing it would leave the stack between two.
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
  if (model === undefined) throw new Error('no policy of the canary has been published');
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
  for (let inARow = 0; ; ) {
    const judged = await call().then(judge, (error: unknown): EnforcementCheck => {
      const { name } = error instanceof Error ? error : { name: 'unknown' };
      return { verdict: 'not_ready', why: `the endpoint could not be reached (${name})` };
    });
    inARow = judged.verdict === 'enforced' ? inARow + 1 : 0;
    if (inARow === REQUIRED_CONSECUTIVE) return;
    const isOver = judged.verdict === 'not_ready' && clock.monotonicMs() - startMs >= READY_TIMEOUT_MS / 2;
    if (judged.verdict === 'broken' || isOver) throw new Error(`the deployment does not enforce: ${judged.why}`);
    await clock.sleep(POLL_INTERVAL_MS);
  }
}
