import type { EnvironmentFile } from '../../lambda/policy/environment.ts';

/**
 * The organisation of the pictures in docs/, of `npm run screenshots` and of tests that need named teams. It starts out
 * equal to config/teams.ts, which belongs to whoever deploys the gateway and may change at any time.
 */
export const exampleTeams = {
  chatbot: {
    purpose: 'Customer-facing chat',
    allowedModels: ['openai/gpt-oss-120b', 'openai/gpt-oss-20b', 'llama-3.3-70b-versatile', 'llama-3.1-8b-instant'],
    maxTokensPerRequest: 2048,
    monthlyBudgetUsd: 200,
    rateLimitRpm: 60,
    rateLimitTpm: 100_000,
  },
  analytics: {
    purpose: 'Internal analytics; the cheapest model only',
    allowedModels: ['openai/gpt-oss-20b', 'llama-3.1-8b-instant'],
    maxTokensPerRequest: 512,
    monthlyBudgetUsd: 50,
    rateLimitRpm: 30,
  },
  research: {
    purpose: 'Research and evaluation',
    allowedModels: ['openai/gpt-oss-120b', 'openai/gpt-oss-20b', 'qwen/qwen3.8-27b', 'llama-3.3-70b-versatile'],
    maxTokensPerRequest: 4096,
    monthlyBudgetUsd: 500,
    rateLimitRpm: 120,
  },
  'batch-processor': {
    purpose: 'Background batches',
    allowedModels: ['openai/gpt-oss-20b', 'llama-3.1-8b-instant'],
    rateLimitRpm: 60,
    rateLimitTpm: 500_000,
    priority: 'batch',
  },
} as const satisfies EnvironmentFile['teams'];

/** The cap is below the sum of the teams' budgets, so both limits show in the pictures. */
export const exampleOrganization = {
  monthlyCapUsd: 500,
  alertsUsd: [100, 250, 400],
  alertsPercent: [50, 80, 95],
} as const satisfies NonNullable<EnvironmentFile['organization']>;
