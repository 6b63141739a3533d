import type { AlarmEntry, AlarmText } from './alarm-entry.ts';
import { KEY_ALARMS } from './key-alarms.ts';
import { MONEY_ALARMS } from './money-alarms.ts';
import { REQUEST_ALARMS } from './request-alarms.ts';

/** Every alarm except those of budgets. */
export const OPERATIONAL_ALARMS: readonly AlarmEntry[] = [...REQUEST_ALARMS, ...MONEY_ALARMS, ...KEY_ALARMS];

/** Texts of budget alarms, whose thresholds are set per environment. */
export const BUDGET_ALARMS = {
  team: {
    what: 'team-budget',
    meaning: 'A team has spent this percentage of its budget.',
    remedy: 'Find out on what; then top up, pause or do nothing.',
  },
  organization: {
    what: 'organization-budget',
    meaning: "All teams together have spent this percentage of the organisation's cap.",
    remedy: 'Find out which team; then top up, pause or do nothing.',
  },
  amount: {
    what: 'organization-spend',
    meaning: 'All teams together have spent this amount this month.',
    remedy: 'Find out which team, and whether it is expected.',
  },
} as const satisfies Record<string, AlarmText>;
