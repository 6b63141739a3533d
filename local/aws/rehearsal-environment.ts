import type { EnvironmentFile } from '../../lambda/policy/environment.ts';

/** What one call of the budget rehearsal costs: 27 prompt tokens and 50 of output on gpt-oss-20b, in dollars. */
export const CALL_USD = (27 * 0.075 + 50 * 0.3) / 1e6;
/** How many such calls the team `exact` can pay. */
export const EXACT_CALLS = 40;
/** The team with alert recipients of its own. */
export const WATCHED_TEAM = 'watched';
/** Calls that its budget pays. */
export const WATCHED_CALLS = 20;
/** An amount of the organisation's spending that the calls of `watched` alone reach, in dollars. */
export const ALERT_USD = 0.00025;
/** The secret with the address of the rehearsed webhook. */
export const WEBHOOK_SECRET = 'rehearsal/webhook';
/** How many requests a day API Gateway lets through for the team `daily`. */
export const DAILY_REQUESTS = 3;

const roomy = {
  allowedModels: ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'],
  monthlyBudgetUsd: 100,
  rateLimitRpm: null,
  maxConcurrent: 200,
  maxTokensPerRequest: 2_048,
};

/** The environment that is rehearsed: a team for each promise, on an upstream of one's own. */
export function rehearsalEnvironment(groqBaseUrl: string): EnvironmentFile {
  return {
    organization: { monthlyCapUsd: 500, alertsUsd: [ALERT_USD] },
    deployment: {
      groqBaseUrl,
      operators: ['operator@example.com'],
      logRetentionDays: 7,
      webhook: { kind: 'slack', secretName: WEBHOOK_SECRET },
    },
    teams: {
      roomy,
      broke: { ...roomy, monthlyBudgetUsd: 0 },
      slow: { ...roomy, rateLimitRpm: 1 },
      exact: { ...roomy, monthlyBudgetUsd: EXACT_CALLS * CALL_USD, maxTokensPerRequest: 50 },
      [WATCHED_TEAM]: {
        ...roomy,
        monthlyBudgetUsd: WATCHED_CALLS * CALL_USD,
        maxTokensPerRequest: 50,
        alertRecipients: ['lead@example.com'],
      },
      daily: { ...roomy, requestsPerDay: DAILY_REQUESTS },
      changing: { ...roomy, monthlyBudgetUsd: 10, allowedModels: ['openai/gpt-oss-20b'] },
      operated: roomy,
      counted: roomy,
      rotated: { ...roomy, rotateKeyEveryDays: 30 },
      staged: roomy,
      made: { ...roomy, groqKeySource: 'admin-api' },
      leaving: roomy,
    },
  };
}

/** The same after someone has edited it: a budget raised, a model added, a team gone and one new. */
export function changedEnvironment(groqBaseUrl: string): EnvironmentFile {
  const { leaving: _gone, changing, ...teams } = rehearsalEnvironment(groqBaseUrl).teams;
  if (changing === undefined) throw new Error('the rehearsal has no team to change');
  return {
    ...rehearsalEnvironment(groqBaseUrl),
    teams: {
      ...teams,
      changing: { ...changing, monthlyBudgetUsd: 25, allowedModels: roomy.allowedModels },
      arriving: roomy,
    },
  };
}
