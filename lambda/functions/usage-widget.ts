import { createDynamoClient, systemClock } from '../kernel/io/system.ts';
import { createUsageWidgetHandler } from '../reporting/io/usage-widget-handler.ts';
import { readSpending } from '../reporting/read-spending.ts';
import { readVariables } from './environment-variables.ts';
import { createSpendingPorts } from './spending-ports.ts';

const ports = createSpendingPorts(createDynamoClient(), readVariables(process.env), systemClock);

/** Entry point of the function that renders the dashboard's usage widget. */
export const handler = createUsageWidgetHandler({
  // A single try: a person who opens the dashboard should not wait for usage that is seconds behind.
  readSpending: async (week) => await readSpending(ports, [week], { tries: 1 }),
  nowEpochMs: systemClock.nowEpochMs,
});
