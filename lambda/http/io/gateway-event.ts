import type { APIGatewayProxyEvent } from 'aws-lambda';
import { type Identity, isRole } from '../../access/identity.ts';
import { type Endpoint, parseScope } from '../../access/key-scope.ts';
import { MAX_BODY_BYTES } from '../../contract.ts';
import { INVALID_KEY_MESSAGE, type Refusal, refuse } from '../../kernel/refusals.ts';
import type { TeamPolicy } from '../../policy/environment.ts';

/** Who is calling, from the authorizer's context; never from anything the client can write. */
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

/** Who is calling, as far as the authorizer says: for those who watch, and for no decision. */
export function readCaller(event: APIGatewayProxyEvent): { readonly keyId: string; readonly team: string | undefined } {
  const { keyId, team } = (event.requestContext.authorizer ?? {}) as Readonly<Record<string, unknown>>;
  return { keyId: typeof keyId === 'string' ? keyId : '', team: typeof team === 'string' ? team : undefined };
}

/** Why a caller may do nothing any more: API Gateway goes on for a minute with what it was told of a key. */
export function checkExpiry({ expiresAtEpochMs }: Identity, nowEpochMs: number): Refusal | undefined {
  if (expiresAtEpochMs === undefined || nowEpochMs < expiresAtEpochMs) return undefined;
  return refuse('invalid_api_key', INVALID_KEY_MESSAGE);
}

/** A header's value, however its name is written. */
export function findHeader(headers: APIGatewayProxyEvent['headers'] | null, name: string): string | undefined {
  return Object.entries(headers ?? {}).find(([header]) => header.toLowerCase() === name)?.[1];
}

/** SDKs escape what stands in a path; what is not well escaped is taken as it stands. */
export function decodePathSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The key that a request presents; empty for none. */
export function readBearerToken(headers: APIGatewayProxyEvent['headers'] | null): string {
  return /^Bearer +(\S+) *$/i.exec(findHeader(headers, 'authorization') ?? '')?.[1] ?? '';
}

/** Why a caller may not use an endpoint, if its key is narrowed to others. */
export function checkEndpointScope({ scope }: Identity, endpoint: Endpoint): Refusal | undefined {
  const { endpoints } = scope ?? {};
  if (endpoints === undefined || endpoints.includes(endpoint)) return undefined;
  return refuse('forbidden', `This key is for ${endpoints.join(', ')} only, not for ${endpoint}. Use another key.`);
}

/** The policy of the caller's team. */
export function findTeamPolicy(identity: Identity, teams: ReadonlyMap<string, TeamPolicy>): TeamPolicy | Refusal {
  if (identity.team === undefined) {
    return refuse(
      'forbidden',
      'This key belongs to the organisation, not to a team, so no budget could pay. Use a team key.',
    );
  }
  const policy = teams.get(identity.team);
  return (
    policy ??
    refuse('unknown_team', `Team "${identity.team}" has no policy in this environment any more. Ask an administrator.`)
  );
}

/** The request's body as text. */
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
