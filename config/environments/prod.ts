import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { organization, teams } from '../teams.ts';

/**
 * Production. The governance guide's example key `chatbot-prod` has 500 requests a minute, and a key cannot exceed its
 * team's limit. If you rename the team in teams.ts, rename it here too.
 */
export default {
  organization,
  teams: { ...teams, chatbot: { ...teams.chatbot, rateLimitRpm: 500 } },
} satisfies EnvironmentFile;
