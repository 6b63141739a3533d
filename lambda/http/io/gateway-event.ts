import type { APIGatewayProxyEvent } from 'aws-lambda';
import { type Identity, isRole } from '../../access/identity.ts';
import { parseScope } from '../../access/key-scope.ts';
import { MAX_BODY_BYTES } from '../../contract.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';

/**
 * Returns the caller's identity from the authorizer's context, never from anything that the client can write.
 *
 * @throws Error when the context has no identity or an unreadable scope.
 */
export function readIdentity(event: APIGatewayProxyEvent): Identity {
  const context: Readonly<Record<string, unknown>> = event.requestContext.authorizer ?? {};
  const { keyId, role, team, scope, expiresAtMs } = context;
  if (typeof keyId !== 'string' || !isRole(role)) throw new Error('the authorizer passed no identity');
  return {
    keyId,
    role,
    ...(typeof team === 'string' ? { team } : {}),
    ...(typeof scope === 'string' ? { scope: parseScope(scope) } : {}),
    ...(expiresAtMs === undefined ? {} : { expiresAtEpochMs: Number(expiresAtMs) }),
  };
}

/** Returns the caller's key and team for metrics and logs only: unlike {@link readIdentity}, it accepts an empty context. */
export function readCaller(event: APIGatewayProxyEvent): { readonly keyId: string; readonly team: string | undefined } {
  const { keyId, team } = (event.requestContext.authorizer ?? {}) as Readonly<Record<string, unknown>>;
  return { keyId: typeof keyId === 'string' ? keyId : '', team: typeof team === 'string' ? team : undefined };
}

/** Returns a header's value. `name` is in lower case; the event's header names are in any case. */
export function findHeader(headers: APIGatewayProxyEvent['headers'] | null, name: string): string | undefined {
  return Object.entries(headers ?? {}).find(([header]) => header.toLowerCase() === name)?.[1];
}

/** Returns the bearer token of the Authorization header, or empty text. */
export function readBearerToken(headers: APIGatewayProxyEvent['headers'] | null): string {
  return /^Bearer +(\S+) *$/i.exec(findHeader(headers, 'authorization') ?? '')?.[1] ?? '';
}

/** Returns the request's body as text, or a refusal of one that is too large or not UTF-8. */
export function readBody(event: APIGatewayProxyEvent): string | Refusal {
  const { body, isBase64Encoded } = event;
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES) {
    return refuse('body_too_large', `The body is ${bytes.length} bytes; at most ${MAX_BODY_BYTES} are accepted.`);
  }
  if (!isBase64Encoded) return body ?? '';
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('invalid_request', 'The body is not valid UTF-8.');
  }
}
