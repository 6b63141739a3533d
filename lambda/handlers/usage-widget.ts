import { spendingPorts } from '../adapters/spending-ports.ts';
import { readSpending } from '../core/read-spending.ts';
import { readVariables } from './environment-variables.ts';
import { dynamoClient, systemClock } from './system.ts';
import { createUsageWidget } from './usage-widget-handler.ts';

const ports = spendingPorts(dynamoClient(), readVariables(process.env), systemClock);

/** The entry point of the function behind the dashboard's widget. */
export const handler = createUsageWidget({
  // Once: who looks at a dashboard does not wait for usage that is seconds behind.
  readSpending: async (week) => await readSpending(ports, [week], { tries: 1 }),
  nowEpochMs: systemClock.nowEpochMs,
});
