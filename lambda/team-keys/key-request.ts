import { type Identity, isRole, type Role } from '../access/identity.ts';
import type { KeyScope } from '../access/key-scope.ts';
import { accessLevelFor } from '../access/permissions.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { checkCreatorLimits, checkGrantableRole, checkTeamLimits } from './key-limits.ts';
import { invalidField, type KeyRequestBody, parseRequestBody } from './key-request-body.ts';

/** The properties of a new key: its record without id and times. */
export type NewKeySpec = Omit<Identity, 'keyId'> & { readonly name: string };

/** The end of the year 9999, after which ISO 8601 has no four-digit year. */
const MAX_EXPIRY_EPOCH_MS = 253_402_300_799_999;

/** The rules for new keys: the teams' policies, the environment and the time. */
export type KeyRules = {
  readonly teams: ReadonlyMap<string, TeamPolicy>;
  readonly environmentName: string;
  readonly nowEpochMs: number;
  /** Parses a time with a zone; NaN if it is not one. */
  readonly parseTime: (text: string) => number;
};

/** Parses the body of `POST /openai/v1/api-keys` and decides whether the caller may create the key. */
export function parseKeyRequest(bodyText: string, caller: Identity, rules: KeyRules): NewKeySpec | Refusal {
  const request = parseRequestBody(bodyText);
  if ('reason' in request) return request;
  const role = request.role ?? 'member';
  if (!isRole(role))
    return invalidField('role', `is "${role.slice(0, 20)}"; it must be one of admin, lead, member, viewer`);
  const forbiddenRole = checkGrantableRole(caller, role);
  if (forbiddenRole !== undefined) return forbiddenRole;
  const team = resolveTeam(request, role, caller, rules);
  if (typeof team === 'object') return team;
  const misnamed = checkName(request.name, team, rules.environmentName);
  if (misnamed !== undefined) return misnamed;
  const policy = team === undefined ? undefined : rules.teams.get(team);
  const tooWide = policy === undefined ? rejectModelLimits(request) : checkTeamLimits(request, policy);
  if (tooWide !== undefined) return tooWide;
  const expiresAtEpochMs = parseExpiry(request, rules);
  if (typeof expiresAtEpochMs === 'object') return expiresAtEpochMs;
  const scope = buildScope(request);
  const wanted = { role, scope, ...(expiresAtEpochMs === undefined ? {} : { expiresAtEpochMs }) };
  const exceeded = checkCreatorLimits(caller, wanted);
  if (exceeded !== undefined) return exceeded;
  return {
    name: request.name,
    role,
    ...(team === undefined ? {} : { team }),
    ...(Object.keys(scope).length === 0 ? {} : { scope }),
    ...(expiresAtEpochMs === undefined ? {} : { expiresAtEpochMs }),
  };
}

/** Returns the key's team: the named one, else the one that the key's name begins with, else the caller's. */
function resolveTeam(
  request: KeyRequestBody,
  role: Role,
  caller: Identity,
  { teams }: KeyRules,
): string | undefined | Refusal {
  const named = request.team ?? undefined;
  const byName = [...teams.keys()]
    .filter((team) => request.name === team || request.name.startsWith(`${team}-`))
    .sort((a, b) => b.length - a.length)[0];
  const isOfOrganization = role === 'admin' || (role === 'viewer' && named === undefined && byName === undefined);
  if (role === 'admin' && named !== undefined)
    return invalidField('team', 'must be left out: an admin key belongs to the whole organisation');
  const team = isOfOrganization ? undefined : (named ?? byName ?? caller.team);
  if (team === undefined && !isOfOrganization)
    return invalidField(
      'team',
      `is missing, and "${request.name}" begins with no team's name; a ${role} key belongs to a team`,
    );
  if (accessLevelFor(caller, 'create_keys') !== 'all' && team !== caller.team)
    return refuse('forbidden', `This key makes keys of team "${caller.team}" only.`, { param: 'team' });
  if (team !== undefined && !teams.has(team))
    return invalidField(
      'team',
      `is "${team.slice(0, 40)}", which is no team${didYouMean(team.slice(0, 40), teams.keys())}`,
    );
  return team;
}

/** Requires `{team}-{environment}-{purpose}`, or the team's name alone; `organization-…` for a key of no team. */
function checkName(name: string, team: string | undefined, environmentName: string): Refusal | undefined {
  const prefix = `${team ?? 'organization'}-${environmentName}`;
  if ((team !== undefined && name === team) || name === prefix || name.startsWith(`${prefix}-`)) return undefined;
  return invalidField('name', `is "${name}"; it must be ${prefix}, or ${prefix}-<purpose>`);
}

/** Refuses limits on model calls for a key of no team: it calls no models. */
function rejectModelLimits(request: KeyRequestBody): Refusal | undefined {
  const given = (['allowed_models', 'requests_per_minute', 'tokens_per_minute', 'monthly_budget_usd'] as const).find(
    (field) => request[field] != null,
  );
  return given === undefined
    ? undefined
    : invalidField(given, 'means nothing for a key of no team, which calls no models');
}

function parseExpiry(
  { expires_at: at }: KeyRequestBody,
  { nowEpochMs, parseTime }: KeyRules,
): number | undefined | Refusal {
  if (at == null) return undefined;
  const epochMs = typeof at === 'number' ? Math.floor(at * 1000) : parseTime(at);
  if (!(epochMs <= MAX_EXPIRY_EPOCH_MS))
    return invalidField(
      'expires_at',
      'must be a time with its zone, such as 2026-12-31T00:00:00Z, or epoch seconds, before the year 10000',
    );
  return epochMs > nowEpochMs ? epochMs : invalidField('expires_at', 'is over; name a time to come');
}

function buildScope(request: KeyRequestBody): KeyScope {
  const { allowed_models, endpoints, requests_per_minute, tokens_per_minute, monthly_budget_usd } = request;
  return {
    ...(allowed_models == null ? {} : { models: [...new Set(allowed_models)] }),
    ...(endpoints == null ? {} : { endpoints: [...new Set(endpoints)] }),
    ...(requests_per_minute == null ? {} : { rpm: requests_per_minute }),
    ...(tokens_per_minute == null ? {} : { tpm: tokens_per_minute }),
    ...(monthly_budget_usd == null ? {} : { usd: monthly_budget_usd }),
  };
}
