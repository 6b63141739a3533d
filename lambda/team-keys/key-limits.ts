import type { Identity, Role } from '../access/identity.ts';
import { GRANTABLE_ROLES, PERMISSIONS } from '../access/permissions.ts';
import { picoUsdFromNumber, toUsdString } from '../kernel/money.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { TeamPolicy } from '../policy/environment.ts';

/** The limits in a request for a key, by the API's field names. */
export type RequestedLimits = {
  readonly allowed_models?: readonly string[] | null | undefined;
  readonly requests_per_minute?: number | null | undefined;
  readonly tokens_per_minute?: number | null | undefined;
  readonly monthly_budget_usd?: number | null | undefined;
};

/** Refuses a key that would exceed its team's policy, naming the first such field. */
export function checkTeamLimits(requested: RequestedLimits, policy: TeamPolicy): Refusal | undefined {
  const tooWide = (param: string, wanted: string, allowed: string) =>
    refuse(
      'key_too_wide',
      `"${param}" asks for ${wanted}, and team "${policy.team}" has ${allowed}: a key narrows its team and never widens it.`,
      { param },
    );
  const foreignModel = requested.allowed_models?.find((model) => !policy.allowedModels.includes(model));
  if (foreignModel !== undefined)
    return tooWide('allowed_models', `"${foreignModel.slice(0, 128)}"`, `${policy.allowedModels.join(', ')}`);
  const { requests_per_minute: rpm, tokens_per_minute: tpm, monthly_budget_usd: usd } = requested;
  if (rpm != null && policy.rateLimitRpm !== null && rpm > policy.rateLimitRpm)
    return tooWide('requests_per_minute', String(rpm), String(policy.rateLimitRpm));
  if (tpm != null && policy.rateLimitTpm !== null && tpm > policy.rateLimitTpm)
    return tooWide('tokens_per_minute', String(tpm), String(policy.rateLimitTpm));
  if (usd != null && picoUsdFromNumber(usd) > policy.monthlyBudgetPicoUsd)
    return tooWide('monthly_budget_usd', `$${usd}`, `$${toUsdString(policy.monthlyBudgetPicoUsd)}`);
  return undefined;
}

/** Refuses a role that a key with this role may not grant. */
export function checkGrantableRole({ role: own }: Pick<Identity, 'role'>, role: Role): Refusal | undefined {
  if (GRANTABLE_ROLES[own].includes(role)) return undefined;
  return refuse('forbidden', `A key with the role "${own}" may not make one with the role "${role}".`);
}

/**
 * Refuses a key that its creator may not obtain, by creating or by rotating it: one with a role that it may not grant,
 * with more rights than the creator, or with a later expiry.
 */
export function checkCreatorLimits(
  creator: Omit<Identity, 'keyId'>,
  wanted: Pick<Identity, 'role' | 'scope' | 'expiresAtEpochMs'>,
): Refusal | undefined {
  const forbiddenRole = checkGrantableRole(creator, wanted.role);
  if (forbiddenRole !== undefined) return forbiddenRole;
  const tooWide = (param: string, reason: string) => refuse('key_too_wide', `"${param}" ${reason}.`, { param });
  const { expiresAtEpochMs = Number.POSITIVE_INFINITY } = creator;
  if ((wanted.expiresAtEpochMs ?? Number.POSITIVE_INFINITY) > expiresAtEpochMs)
    return tooWide('expires_at', 'would go beyond your own key: a key makes none that outlives it');
  const own = creator.scope ?? {};
  const { models, endpoints } = wanted.scope ?? {};
  const wider = 'would go beyond your own key, which is narrowed: a key makes none wider than itself';
  if (isWider(own.models, models)) return tooWide('allowed_models', wider);
  if (isWider(own.endpoints, endpoints)) return tooWide('endpoints', wider);
  const isSpending = PERMISSIONS[wanted.role].call_models !== 'none' && (endpoints?.includes('chat') ?? true);
  if (!isSpending) return undefined;
  // Each key counts against limits of its own, so two keys would have twice the creator's limit.
  const multiplied = 'is limited on your own key, so it makes no keys that call models: many would have more than one';
  if (own.rpm !== undefined) return tooWide('requests_per_minute', multiplied);
  if (own.tpm !== undefined) return tooWide('tokens_per_minute', multiplied);
  return own.usd === undefined ? undefined : tooWide('monthly_budget_usd', multiplied);
}

function isWider(own: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean {
  return own !== undefined && (wanted === undefined || wanted.some((name) => !own.includes(name)));
}
