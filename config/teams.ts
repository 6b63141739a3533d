import type { EnvironmentFile } from '../lambda/policy/environment.ts';

/**
 * Your teams. Edit them freely: tests, demos and pictures use fixtures of their own.
 *
 * The defaults take their numbers from the governance guide. Groq has retired the guide's models since, so each team also
 * lists the replacements; a request for a retired model is refused with an error that names its replacement.
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
      // Reads images.
      'qwen/qwen3.8-27b',
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
    // Without monthlyBudgetUsd, the organisation's cap is the team's limit.
    rateLimitRpm: 60,
    rateLimitTpm: 500_000,
    priority: 'batch',
  },
} as const satisfies EnvironmentFile['teams'];

/** The organisation's cap and alerts. Team budgets may add up to more than the cap, as here; both limits are enforced. */
export const organization = {
  monthlyCapUsd: 500,
  alertsUsd: [100, 250, 400],
  alertsPercent: [50, 80, 95],
} as const satisfies NonNullable<EnvironmentFile['organization']>;
