import { createHash } from 'node:crypto';
import middy from '@middy/core';
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import type { Identity } from '../access/identity.ts';
import type { KeyStore } from '../access/key-store.ts';
import { WrongKeys } from '../access/wrong-keys.ts';
import { ORGANIZATION, planKeyValue } from '../contract.ts';
import { metricLine } from '../telemetry/metric-line.ts';
import { DIMENSION, METRIC } from '../telemetry/metrics.ts';
import { bearerOf } from './gateway-event.ts';

/** What the authorizer needs of the world; `write` takes one line for the log. */
export type AuthorizerPorts = {
  readonly keys: KeyStore;
  readonly environmentName: string;
  readonly nowEpochMs: () => number;
  readonly write: (line: string) => void;
};

/** How often wrong keys are told of at most, in milliseconds: whoever tries many must not run up a bill for logs. */
const TELL_EVERY_MS = 1_000;

/** Why a key was not looked up; API Gateway makes a 503 of it, so that a good service behind the same address comes back. */
class HeldBack extends Error {
  override readonly name = 'HeldBack';
}

/**
 * Makes the authorizer. It answers with one policy for the whole stage, since API Gateway caches it for every method;
 * what the key may do is the gateway's to decide. `usageIdentifierKey` names the usage plan that counts the request.
 *
 * @throws Error 'Unauthorized', API Gateway's word for a 401, for a key that is unknown, revoked or expired; HeldBack
 * for one of a source that has presented too many of those.
 */
export function createAuthorizer(ports: AuthorizerPorts) {
  const judge = judgeOf(ports);
  return middy<APIGatewayRequestAuthorizerEvent, APIGatewayAuthorizerResult>({ timeoutEarlyInMillis: 0 }).handler(
    async (event) => {
      const presentedKey = bearerOf(event.headers);
      const source = event.requestContext?.identity?.sourceIp ?? '';
      const { keyId, role, team, scope, expiresAtEpochMs } = await judge(presentedKey, source);
      return {
        principalId: keyId,
        policyDocument: {
          Version: '2012-10-17',
          Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: wholeStage(event.methodArn) }],
        },
        usageIdentifierKey: planKeyValue(ports.environmentName, team ?? ORGANIZATION),
        context: {
          keyId,
          role,
          ...(team === undefined ? {} : { team }),
          // API Gateway passes text, numbers and booleans only.
          ...(scope === undefined ? {} : { scope: JSON.stringify(scope) }),
          // A key's end falls within the minute for which this is remembered.
          ...(expiresAtEpochMs === undefined ? {} : { expiresAtMs: String(expiresAtEpochMs) }),
        },
      };
    },
  );
}

/** Tells whose a key is, or throws what API Gateway is to answer. */
function judgeOf({ keys, nowEpochMs, ...rest }: AuthorizerPorts) {
  const wrongKeys = new WrongKeys();
  const tell = tellerOf({ nowEpochMs, ...rest });
  return async (presentedKey: string, source: string): Promise<Identity> => {
    const hash = createHash('sha256').update(presentedKey).digest('base64');
    const now = nowEpochMs();
    // Held back, every refusal is the same, or it would tell which keys have been good.
    const refusal = () =>
      wrongKeys.isOverLimit(source, now) ? new HeldBack('too many wrong keys') : new Error('Unauthorized');
    if (wrongKeys.isWrong(hash, now) || wrongKeys.isHeldBack(source, hash, now)) {
      tell(METRIC.unknownKeys, source);
      throw refusal();
    }
    const identity = await keys.identify(presentedKey).catch((error: unknown) => {
      tell(METRIC.keyCheckFaults, source);
      throw error;
    });
    if (identity === undefined) {
      const refused = refusal();
      wrongKeys.noteWrong(hash, source, now);
      tell(METRIC.unknownKeys, source);
      throw refused;
    }
    wrongKeys.noteGood(hash, now);
    return identity;
  };
}

type Told = typeof METRIC.unknownKeys | typeof METRIC.keyCheckFaults;

/** Counts, and tells every few seconds; what is not told at once is told with the next. */
function tellerOf({ environmentName, nowEpochMs, write }: Omit<AuthorizerPorts, 'keys'>) {
  const untold: Record<Told, number> = { [METRIC.unknownKeys]: 0, [METRIC.keyCheckFaults]: 0 };
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return (what: Told, source: string): void => {
    untold[what]++;
    const timestampEpochMs = nowEpochMs();
    if (timestampEpochMs - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = timestampEpochMs;
    const metrics = { [METRIC.unknownKeys]: 'Count', [METRIC.keyCheckFaults]: 'Count' } as const;
    const values = { event: 'keys refused', [DIMENSION.environment]: environmentName, ...untold, source };
    write(metricLine({ timestampEpochMs, groups: [{ by: [DIMENSION.environment], metrics }], values }));
    Object.assign(untold, { [METRIC.unknownKeys]: 0, [METRIC.keyCheckFaults]: 0 });
  };
}

/** `arn:…:api/stage/GET/path` becomes `arn:…:api/stage/*`. */
function wholeStage(methodArn: string): string {
  return `${methodArn.split('/').slice(0, 2).join('/')}/*`;
}
