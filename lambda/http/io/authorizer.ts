import { createHash } from 'node:crypto';
import middy from '@middy/core';
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import type { Identity } from '../../access/identity.ts';
import { InvalidKeyTracker } from '../../access/invalid-key-tracker.ts';
import type { KeyStore } from '../../access/key-store.ts';
import { ORGANIZATION, usagePlanKeyValue } from '../../contract.ts';
import { METRIC } from '../../telemetry/metrics.ts';
import { createKeyCheckReporter, type KeyCheckReporterPorts } from '../key-check-reporter.ts';
import { readBearerToken } from './gateway-event.ts';

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Ports of the authorizer. */
export type AuthorizerPorts = KeyCheckReporterPorts & { readonly keys: KeyStore };

/** Refusal of a source over its limit. API Gateway turns it into a 503, so that a good client behind the same address retries. */
class ThrottledError extends Error {
  override readonly name = 'ThrottledError';
}

/**
 * Creates the authorizer's handler.
 *
 * @throws Error 'Unauthorized', which API Gateway turns into a 401, for a key that is missing, unknown, revoked or expired.
 * @throws ThrottledError for a source that has presented too many such keys.
 * @throws StoreError when the key cannot be looked up.
 */
export function createAuthorizer(ports: AuthorizerPorts) {
  const verifyKey = createKeyVerifier(ports);
  return middy<APIGatewayRequestAuthorizerEvent, APIGatewayAuthorizerResult>({ timeoutEarlyInMillis: 0 }).handler(
    async (event) => {
      const source = event.requestContext?.identity?.sourceIp ?? '';
      const identity = await verifyKey(readBearerToken(event.headers), source);
      return toAuthorizerResult(identity, event.methodArn, ports.environmentName);
    },
  );
}

function createKeyVerifier(ports: AuthorizerPorts) {
  const { keys, nowEpochMs } = ports;
  const tracker = new InvalidKeyTracker();
  const report = createKeyCheckReporter(ports);
  const refuse = (source: string, now: number): Error => {
    report(METRIC.unknownKeys, source);
    // Over the limit every refusal is the same, so that none reveals a key that was once valid.
    return tracker.isOverLimit(source, now) ? new ThrottledError('too many invalid keys') : new Error('Unauthorized');
  };
  return async (presentedKey: string, source: string): Promise<Identity> => {
    const hash = createHash('sha256').update(presentedKey).digest('base64');
    const now = nowEpochMs();
    if (tracker.isKnownInvalid(hash, now) || tracker.isThrottled(source, hash, now)) throw refuse(source, now);
    const identity = await keys.identify(presentedKey).catch((error: unknown) => {
      report(METRIC.keyCheckFaults, source);
      throw error;
    });
    if (identity === undefined) {
      const refusal = refuse(source, now);
      tracker.recordInvalid(hash, source, now);
      throw refusal;
    }
    tracker.recordValid(hash, now);
    return identity;
  };
}

/** Allows the whole stage, because API Gateway caches the policy across methods; the functions check what a key may do. */
function toAuthorizerResult(
  identity: Identity,
  methodArn: string,
  environmentName: string,
): APIGatewayAuthorizerResult {
  const { keyId, role, team, scope, expiresAtEpochMs } = identity;
  return {
    principalId: keyId,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: stageArnPattern(methodArn) }],
    },
    // Selects the usage plan that counts the request.
    usageIdentifierKey: usagePlanKeyValue(environmentName, team ?? ORGANIZATION, sha256Hex),
    context: {
      keyId,
      role,
      ...(team === undefined ? {} : { team }),
      // API Gateway passes only text, numbers and booleans.
      ...(scope === undefined ? {} : { scope: JSON.stringify(scope) }),
      // A key may expire within the minute for which API Gateway caches this result.
      ...(expiresAtEpochMs === undefined ? {} : { expiresAtMs: String(expiresAtEpochMs) }),
    },
  };
}

/** `arn:…:api/stage/GET/path` becomes `arn:…:api/stage/*`. */
function stageArnPattern(methodArn: string): string {
  return `${methodArn.split('/').slice(0, 2).join('/')}/*`;
}
