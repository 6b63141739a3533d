import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { teams } from '../teams.ts';

/** Staging: production's teams with a tenth of the money. */
export default {
  organization: { monthlyCapUsd: 50, alertsUsd: [10, 25, 40], alertsPercent: [50, 80, 95] },
  teams: {
    chatbot: { ...teams.chatbot, monthlyBudgetUsd: 20 },
    analytics: { ...teams.analytics, monthlyBudgetUsd: 5 },
    research: { ...teams.research, monthlyBudgetUsd: 50 },
    'batch-processor': teams['batch-processor'],
  },
} satisfies EnvironmentFile;
