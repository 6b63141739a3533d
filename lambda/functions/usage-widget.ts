import { createDynamoClient, systemClock } from '../kernel/io/system.ts';
import { createUsageWidgetHandler } from '../reporting/io/usage-widget-handler.ts';
import { readSpending } from '../reporting/read-spending.ts';
import { readVariables } from './environment-variables.ts';
import { createSpendingPorts } from './spending-ports.ts';

const ports = createSpendingPorts(createDynamoClient(), readVariables(process.env), systemClock);

/** The entry point of the function behind the dashboard's widget. */
export const handler = createUsageWidgetHandler({
  // Once: who looks at a dashboard does not wait for usage that is seconds behind.
  readSpending: async (week) => await readSpending(ports, [week], { tries: 1 }),
  nowEpochMs: systemClock.nowEpochMs,
});
