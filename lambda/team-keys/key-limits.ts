import type { Identity, Role } from '../access/identity.ts';
import { GRANTABLE_ROLES, PERMISSIONS } from '../access/permissions.ts';
import { picoUsdFromNumber, toUsdString } from '../kernel/money.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { TeamPolicy } from '../policy/environment.ts';

/** What a request narrows of its team, by the fields of the API. */
export type RequestedLimits = {
  readonly allowed_models?: readonly string[] | null | undefined;
  readonly requests_per_minute?: number | null | undefined;
  readonly tokens_per_minute?: number | null | undefined;
  readonly monthly_budget_usd?: number | null | undefined;
};

/** The field by which a key would have more than its team, if there is one. */
export function checkTeamLimits(asked: RequestedLimits, policy: TeamPolicy): Refusal | undefined {
  const more = (param: string, wanted: string, has: string) =>
    refuse(
      'key_too_wide',
      `"${param}" asks for ${wanted}, and team "${policy.team}" has ${has}: a key narrows its team and never widens it.`,
      { param },
    );
  const foreign = asked.allowed_models?.find((model) => !policy.allowedModels.includes(model));
  if (foreign !== undefined)
    return more('allowed_models', `"${foreign.slice(0, 128)}"`, `${policy.allowedModels.join(', ')}`);
  const { requests_per_minute: rpm, tokens_per_minute: tpm, monthly_budget_usd: usd } = asked;
  if (rpm != null && policy.rateLimitRpm !== null && rpm > policy.rateLimitRpm)
    return more('requests_per_minute', String(rpm), String(policy.rateLimitRpm));
  if (tpm != null && policy.rateLimitTpm !== null && tpm > policy.rateLimitTpm)
    return more('tokens_per_minute', String(tpm), String(policy.rateLimitTpm));
  if (usd != null && picoUsdFromNumber(usd) > policy.monthlyBudgetPicoUsd)
    return more('monthly_budget_usd', `$${usd}`, `$${toUsdString(policy.monthlyBudgetPicoUsd)}`);
  return undefined;
}

/** Why a key may make none of this role, if so. */
export function checkGrantableRole({ role: own }: Pick<Identity, 'role'>, role: Role): Refusal | undefined {
  if (GRANTABLE_ROLES[own].includes(role)) return undefined;
  return refuse('forbidden', `A key with the role "${own}" may not make one with the role "${role}".`);
}

/**
 * Why a key may not get hold of another with these rights, by making it or by rotating it: of a role that it may not
 * give, wider than itself, or outliving it.
 */
export function checkCreatorLimits(
  maker: Omit<Identity, 'keyId'>,
  wanted: Pick<Identity, 'role' | 'scope' | 'expiresAtEpochMs'>,
): Refusal | undefined {
  const foreign = checkGrantableRole(maker, wanted.role);
  if (foreign !== undefined) return foreign;
  const more = (param: string, why: string) => refuse('key_too_wide', `"${param}" ${why}.`, { param });
  const { expiresAtEpochMs: ends = Number.POSITIVE_INFINITY } = maker;
  if ((wanted.expiresAtEpochMs ?? Number.POSITIVE_INFINITY) > ends)
    return more('expires_at', 'would go beyond your own key: a key makes none that outlives it');
  const own = maker.scope ?? {};
  const { models, endpoints } = wanted.scope ?? {};
  const wider = 'would go beyond your own key, which is narrowed: a key makes none wider than itself';
  if (isWider(own.models, models)) return more('allowed_models', wider);
  if (isWider(own.endpoints, endpoints)) return more('endpoints', wider);
  const isSpending = PERMISSIONS[wanted.role].call_models !== 'none' && (endpoints?.includes('chat') ?? true);
  if (!isSpending) return undefined;
  // Each would have such limits of its own, so that two keys had twice as much.
  const many = 'is limited on your own key, so it makes no keys that call models: many would have more than one';
  if (own.rpm !== undefined) return more('requests_per_minute', many);
  if (own.tpm !== undefined) return more('tokens_per_minute', many);
  return own.usd === undefined ? undefined : more('monthly_budget_usd', many);
}

function isWider(own: readonly string[] | undefined, asked: readonly string[] | undefined): boolean {
  return own !== undefined && (asked === undefined || asked.some((one) => !own.includes(one)));
}
