import type { Identity } from '../access/identity.ts';
import type { Endpoint } from '../contract.ts';
import { INVALID_KEY_MESSAGE, type Refusal, refuse } from '../kernel/refusals.ts';
import type { TeamPolicy } from '../policy/environment.ts';

/** Refuses an expired key, which API Gateway's cache of authorizer results may still let in. */
export function checkExpiry({ expiresAtEpochMs }: Identity, nowEpochMs: number): Refusal | undefined {
  if (expiresAtEpochMs === undefined || nowEpochMs < expiresAtEpochMs) return undefined;
  return refuse('invalid_api_key', INVALID_KEY_MESSAGE);
}

/** Refuses a key whose scope leaves out the endpoint; an undefined endpoint is open to every key. */
export function checkEndpointScope({ scope }: Identity, endpoint: Endpoint | undefined): Refusal | undefined {
  const { endpoints } = scope ?? {};
  if (endpoint === undefined || endpoints === undefined || endpoints.includes(endpoint)) return undefined;
  return refuse('forbidden', `This key is for ${endpoints.join(', ')} only, not for ${endpoint}. Use another key.`);
}

/** Returns the policy of the caller's team, or a refusal for a key without a team or with a removed one. */
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
