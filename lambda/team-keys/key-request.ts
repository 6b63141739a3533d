import * as v from 'valibot';
import { type Identity, isRole, type Role } from '../access/identity.ts';
import type { KeyScope } from '../access/key-scope.ts';
import { accessLevelFor } from '../access/permissions.ts';
import { ENDPOINTS } from '../contract.ts';
import { parseObject } from '../kernel/json-object.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { checkCreatorLimits, checkGrantableRole, checkTeamLimits } from './key-limits.ts';

/** What is to be made: all of a key's record but its id and its times. */
export type NewKeySpec = Omit<Identity, 'keyId'> & { readonly name: string };

const count = (what: string) =>
  v.pipe(
    v.number(`must be ${what} as a whole number`),
    v.integer(`must be ${what} as a whole number`),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(1_000_000_000, 'must be at most 1,000,000,000'),
  );
const list = <T extends v.GenericSchema>(of: T, what: string) =>
  v.pipe(
    v.array(of, `must be a list of ${what}`),
    v.minLength(1, `must name at least one`),
    v.maxLength(200, 'must name at most 200'),
  );
const optional = <T extends v.GenericSchema>(schema: T) => v.optional(v.nullable(schema));

const requestSchema = v.strictObject({
  name: v.pipe(
    v.string('must be text'),
    v.regex(/^[a-z][a-z0-9-]{0,95}$/, 'must be lower-case letters, digits and hyphens, at most 96'),
  ),
  team: optional(v.string('must be the name of a team')),
  role: optional(v.string('must be one of admin, lead, member, viewer')),
  allowed_models: optional(list(v.string('must be a list of model ids'), 'model ids')),
  endpoints: optional(list(v.picklist(ENDPOINTS, `must be a list of ${ENDPOINTS.join(', ')}`), 'endpoints')),
  requests_per_minute: optional(count('requests a minute')),
  tokens_per_minute: optional(count('tokens a minute')),
  monthly_budget_usd: optional(
    v.pipe(
      v.number('must be dollars'),
      v.minValue(0, 'must not be negative'),
      v.maxValue(1e9, 'must be at most 1,000,000,000'),
    ),
  ),
  expires_at: optional(
    v.union([v.string(), v.number()], 'must be a time such as 2026-12-31T00:00:00Z, or epoch seconds'),
  ),
});
type Request = v.InferOutput<typeof requestSchema>;
/** The last moment of the year 9999. */
const LATEST_MS = 253_402_300_799_999;

/** What a request for a key is judged by. */
export type KeyRules = {
  readonly teams: ReadonlyMap<string, TeamPolicy>;
  readonly environmentName: string;
  readonly nowEpochMs: number;
  /** Reads a time with its zone; NaN for none. */
  readonly parseTime: (text: string) => number;
};

/** Reads the body of `POST /openai/v1/api-keys`, and judges whether this caller may have such a key. */
export function parseKeyRequest(bodyText: string, caller: Identity, rules: KeyRules): NewKeySpec | Refusal {
  const body = parseObject(bodyText);
  if (body === undefined) return refuse('invalid_request', 'The body is not a JSON object. Send {"name": …}.');
  const parsed = v.safeParse(requestSchema, body);
  if (!parsed.success) return explainIssue(parsed.issues.find(isUnknownField) ?? parsed.issues[0]);
  const request = parsed.output;
  const role = request.role ?? 'member';
  if (!isRole(role)) return invalid('role', `is "${role.slice(0, 20)}"; it must be one of admin, lead, member, viewer`);
  const foreign = checkGrantableRole(caller, role);
  if (foreign !== undefined) return foreign;
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
  const beyond = checkCreatorLimits(caller, wanted);
  if (beyond !== undefined) return beyond;
  return {
    name: request.name,
    role,
    ...(team === undefined ? {} : { team }),
    ...(Object.keys(scope).length === 0 ? {} : { scope }),
    ...(expiresAtEpochMs === undefined ? {} : { expiresAtEpochMs }),
  };
}

/** Whose key it is to be: the team that is named, or the one that the key's name begins with. */
function resolveTeam(
  request: Request,
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
    return invalid('team', 'must be left out: an admin key belongs to the whole organisation');
  const team = isOfOrganization ? undefined : (named ?? byName ?? caller.team);
  if (team === undefined && !isOfOrganization)
    return invalid(
      'team',
      `is missing, and "${request.name}" begins with no team's name; a ${role} key belongs to a team`,
    );
  if (accessLevelFor(caller, 'create_keys') !== 'all' && team !== caller.team)
    return refuse('forbidden', `This key makes keys of team "${caller.team}" only.`, { param: 'team' });
  if (team !== undefined && !teams.has(team))
    return invalid('team', `is "${team.slice(0, 40)}", which is no team${didYouMean(team.slice(0, 40), teams.keys())}`);
  return team;
}

/** `{team}-{environment}-{purpose}`, or the team's name alone; `organization-…` for a key of no team. */
function checkName(name: string, team: string | undefined, environmentName: string): Refusal | undefined {
  const holder = team ?? 'organization';
  const full = `${holder}-${environmentName}`;
  if ((team !== undefined && name === team) || name === full || name.startsWith(`${full}-`)) return undefined;
  return invalid('name', `is "${name}"; it must be ${full}, or ${full}-<purpose>`);
}

/** A key of no team calls no models, so such limits would say what is not so. */
function rejectModelLimits(request: Request): Refusal | undefined {
  const given = (['allowed_models', 'requests_per_minute', 'tokens_per_minute', 'monthly_budget_usd'] as const).find(
    (field) => request[field] != null,
  );
  return given === undefined ? undefined : invalid(given, 'means nothing for a key of no team, which calls no models');
}

function parseExpiry({ expires_at: at }: Request, { nowEpochMs, parseTime }: KeyRules): number | undefined | Refusal {
  if (at == null) return undefined;
  const epochMs = typeof at === 'number' ? Math.floor(at * 1000) : parseTime(at);
  // Far beyond that, it is no time that could be written down.
  if (!(epochMs <= LATEST_MS))
    return invalid(
      'expires_at',
      'must be a time with its zone, such as 2026-12-31T00:00:00Z, or epoch seconds, before the year 10000',
    );
  return epochMs > nowEpochMs ? epochMs : invalid('expires_at', 'is over; name a time to come');
}

function buildScope(request: Request): KeyScope {
  const { allowed_models, endpoints, requests_per_minute, tokens_per_minute, monthly_budget_usd } = request;
  return {
    ...(allowed_models == null ? {} : { models: [...new Set(allowed_models)] }),
    ...(endpoints == null ? {} : { endpoints: [...new Set(endpoints)] }),
    ...(requests_per_minute == null ? {} : { rpm: requests_per_minute }),
    ...(tokens_per_minute == null ? {} : { tpm: tokens_per_minute }),
    ...(monthly_budget_usd == null ? {} : { usd: monthly_budget_usd }),
  };
}

function issueField({ path }: v.BaseIssue<unknown>): string {
  return String(path?.[0]?.key ?? '');
}

/** A misspelt field is told before the one that is missing for it. */
function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return issue.path?.length === 1 && !Object.hasOwn(requestSchema.entries, issueField(issue));
}

function explainIssue(issue: v.BaseIssue<unknown>): Refusal {
  const field = issueField(issue);
  const fields = Object.keys(requestSchema.entries);
  if (isUnknownField(issue))
    return invalid(
      field.slice(0, 40),
      `is no field of a key${didYouMean(field.slice(0, 40), fields)}; the fields are ${fields.join(', ')}`,
    );
  return invalid(field, issue.received === 'undefined' ? 'is missing' : issue.message);
}

function invalid(param: string, what: string): Refusal {
  return refuse('invalid_request', `"${param}" ${what}.`, { param });
}
