import { createAdminHandler } from '../http/io/admin-handler.ts';
import { createDynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { createAdminPorts } from './admin-ports.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const loadPorts = createAdminPorts(createDynamoClient(), variables, systemClock.nowEpochMs);

/** Entry point of the admin function, which serves the administrative API. */
export const handler = createAdminHandler({ loadPorts, log: systemLog });
