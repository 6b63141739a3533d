import { createHash } from 'node:crypto';
import middy from '@middy/core';
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import type { Identity } from '../../access/identity.ts';
import { InvalidKeyTracker } from '../../access/invalid-key-tracker.ts';
import type { KeyStore } from '../../access/key-store.ts';
import { ORGANIZATION, usagePlanKeyValue } from '../../contract.ts';
import { toEmfLine } from '../../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../../telemetry/metrics.ts';
import { readBearerToken } from './gateway-event.ts';

/** What the authorizer needs of the world; `write` takes one line for the log. */
export type AuthorizerPorts = {
  readonly keys: KeyStore;
  readonly environmentName: string;
  readonly nowEpochMs: () => number;
  readonly write: (line: string) => void;
};

/** How often wrong keys are told of at most, in milliseconds: whoever tries many must not run up a bill for logs. */
const REPORT_INTERVAL_MS = 1_000;

/** Why a key was not looked up; API Gateway makes a 503 of it, so that a good service behind the same address comes back. */
class ThrottledError extends Error {
  override readonly name = 'HeldBack';
}

/**
 * Makes the authorizer. It answers with one policy for the whole stage, since API Gateway caches it for every method;
 * what the key may do is the gateway's to decide. `usageIdentifierKey` names the usage plan that counts the request.
 *
 * @throws Error 'Unauthorized', API Gateway's word for a 401, for a key that is unknown, revoked or expired; ThrottledError
 * for one of a source that has presented too many of those.
 */
export function createAuthorizer(ports: AuthorizerPorts) {
  const judge = createKeyVerifier(ports);
  return middy<APIGatewayRequestAuthorizerEvent, APIGatewayAuthorizerResult>({ timeoutEarlyInMillis: 0 }).handler(
    async (event) => {
      const presentedKey = readBearerToken(event.headers);
      const source = event.requestContext?.identity?.sourceIp ?? '';
      const { keyId, role, team, scope, expiresAtEpochMs } = await judge(presentedKey, source);
      return {
        principalId: keyId,
        policyDocument: {
          Version: '2012-10-17',
          Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: stageArnPattern(event.methodArn) }],
        },
        usageIdentifierKey: usagePlanKeyValue(ports.environmentName, team ?? ORGANIZATION),
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
function createKeyVerifier({ keys, nowEpochMs, ...rest }: AuthorizerPorts) {
  const wrongKeys = new InvalidKeyTracker();
  const tell = throttledReporter({ nowEpochMs, ...rest });
  return async (presentedKey: string, source: string): Promise<Identity> => {
    const hash = createHash('sha256').update(presentedKey).digest('base64');
    const now = nowEpochMs();
    // Held back, every refusal is the same, or it would tell which keys have been good.
    const refusal = () =>
      wrongKeys.isOverLimit(source, now) ? new ThrottledError('too many wrong keys') : new Error('Unauthorized');
    if (wrongKeys.isKnownInvalid(hash, now) || wrongKeys.isThrottled(source, hash, now)) {
      tell(METRIC.unknownKeys, source);
      throw refusal();
    }
    const identity = await keys.identify(presentedKey).catch((error: unknown) => {
      tell(METRIC.keyCheckFaults, source);
      throw error;
    });
    if (identity === undefined) {
      const refused = refusal();
      wrongKeys.recordInvalid(hash, source, now);
      tell(METRIC.unknownKeys, source);
      throw refused;
    }
    wrongKeys.recordValid(hash, now);
    return identity;
  };
}

type KeyCheckMetric = typeof METRIC.unknownKeys | typeof METRIC.keyCheckFaults;

/** Counts, and tells every few seconds; what is not told at once is told with the next. */
function throttledReporter({ environmentName, nowEpochMs, write }: Omit<AuthorizerPorts, 'keys'>) {
  const unreported: Record<KeyCheckMetric, number> = { [METRIC.unknownKeys]: 0, [METRIC.keyCheckFaults]: 0 };
  let lastReportedAtMs = Number.NEGATIVE_INFINITY;
  return (what: KeyCheckMetric, source: string): void => {
    unreported[what]++;
    const timestampEpochMs = nowEpochMs();
    if (timestampEpochMs - lastReportedAtMs < REPORT_INTERVAL_MS) return;
    lastReportedAtMs = timestampEpochMs;
    const metrics = { [METRIC.unknownKeys]: 'Count', [METRIC.keyCheckFaults]: 'Count' } as const;
    const values = { event: 'keys_refused', [DIMENSION.environment]: environmentName, ...unreported, source };
    write(toEmfLine({ timestampEpochMs, groups: [{ by: [DIMENSION.environment], metrics }], values }));
    Object.assign(unreported, { [METRIC.unknownKeys]: 0, [METRIC.keyCheckFaults]: 0 });
  };
}

/** `arn:…:api/stage/GET/path` becomes `arn:…:api/stage/*`. */
function stageArnPattern(methodArn: string): string {
  return `${methodArn.split('/').slice(0, 2).join('/')}/*`;
}
