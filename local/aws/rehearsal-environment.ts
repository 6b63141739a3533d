import type { EnvironmentFile } from '../../lambda/policy/environment.ts';

/** Cost of a call in the budget tests, in dollars: 27 prompt tokens and 50 of output on gpt-oss-20b. */
export const CALL_USD = (27 * 0.075 + 50 * 0.3) / 1e6;
/** Number of such calls that the budget of the team `exact` pays. */
export const EXACT_CALLS = 40;
/** The team with alert recipients of its own. */
export const WATCHED_TEAM = 'watched';
/** Number of such calls that its budget pays. */
export const WATCHED_CALLS = 20;
/** Alert threshold of the organisation in dollars, which the calls of the watched team alone exceed. */
export const ALERT_USD = 0.00025;
/** Name of the secret with the webhook's URL. */
export const WEBHOOK_SECRET = 'rehearsal/webhook';
/** Daily request limit of the team `daily`. */
export const DAILY_REQUESTS = 3;

const roomy = {
  allowedModels: ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'],
  monthlyBudgetUsd: 100,
  rateLimitRpm: null,
  maxConcurrent: 200,
  maxTokensPerRequest: 2_048,
};

/** Returns the first environment of a rehearsal, with a team for each behaviour under test. */
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

/** Returns the environment after an edit: a raised budget, an added model, a removed team and a new one. */
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
