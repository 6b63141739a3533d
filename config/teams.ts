import type { EnvironmentFile } from '../lambda/policy/environment.ts';

/**
 * The default teams, with the numbers of the governance guide. Its models have been retired by Groq since, so each team
 * also has today's replacement; a request for a retired one is refused with the replacement named.
 */
export const teams = {
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
    allowedModels: [
      'openai/gpt-oss-120b',
      'openai/gpt-oss-20b',
      'qwen/qwen3.6-27b',
      'llama-3.3-70b-versatile',
      'llama-3.1-8b-instant',
      'meta-llama/llama-4-scout-17b-16e-instruct',
      'mixtral-8x7b-32768',
      'gemma2-9b-it',
    ],
    maxTokensPerRequest: 4096,
    monthlyBudgetUsd: 500,
    rateLimitRpm: 120,
  },
  'batch-processor': {
    purpose: 'Background batches',
    allowedModels: ['openai/gpt-oss-20b', 'llama-3.1-8b-instant'],
    // No budget of its own: the organisation's cap is its limit.
    rateLimitRpm: 60,
    rateLimitTpm: 500_000,
    priority: 'batch',
  },
} as const satisfies EnvironmentFile['teams'];

/** The organisation's cap and alerts; the teams' budgets add up to more than the cap on purpose, and both hold. */
export const organization = {
  monthlyCapUsd: 500,
  alertsUsd: [100, 250, 400],
  alertsPercent: [50, 80, 95],
} as const satisfies NonNullable<EnvironmentFile['organization']>;
