import { adminPorts } from '../adapters/admin-ports.ts';
import { createAdmin } from './admin-handler.ts';
import { readVariables } from './environment-variables.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';

const variables = readVariables(process.env);
const portsNow = adminPorts(dynamoClient(), variables, systemClock.nowEpochMs);

/** The entry point of the function that administers keys. */
export const handler = createAdmin({ portsNow, log: systemLog });
