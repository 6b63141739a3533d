import middy from '@middy/core';
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { ORGANIZATION, planKeyValue } from '../contract.ts';
import type { KeyStore } from '../core/ports.ts';

/**
 * Makes the authorizer. It answers with one policy for the whole stage, since API Gateway caches it for every method;
 * what the key may do is the gateway's to decide. `usageIdentifierKey` names the usage plan that counts the request.
 *
 * @throws Error 'Unauthorized', API Gateway's word for a 401, for a key that is unknown, revoked or expired.
 */
export function createAuthorizer(keys: KeyStore, environmentName: string) {
  return middy<APIGatewayRequestAuthorizerEvent, APIGatewayAuthorizerResult>({ timeoutEarlyInMillis: 0 }).handler(
    async (event) => {
      const identity = await keys.identify(bearerOf(event.headers));
      if (identity === undefined) throw new Error('Unauthorized');
      const { keyId, role, team, scope } = identity;
      return {
        principalId: keyId,
        policyDocument: {
          Version: '2012-10-17',
          Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: wholeStage(event.methodArn) }],
        },
        usageIdentifierKey: planKeyValue(environmentName, team ?? ORGANIZATION),
        context: {
          keyId,
          role,
          ...(team === undefined ? {} : { team }),
          // API Gateway passes text, numbers and booleans only.
          ...(scope === undefined ? {} : { scope: JSON.stringify(scope) }),
        },
      };
    },
  );
}

function bearerOf(headers: APIGatewayRequestAuthorizerEvent['headers']): string {
  const entry = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization');
  return /^Bearer +(\S+) *$/i.exec(entry?.[1] ?? '')?.[1] ?? '';
}

/** `arn:…:api/stage/GET/path` becomes `arn:…:api/stage/*`. */
function wholeStage(methodArn: string): string {
  return `${methodArn.split('/').slice(0, 2).join('/')}/*`;
}
