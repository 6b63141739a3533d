import { createAdmin } from '../http/admin-handler.ts';
import { dynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { adminPorts } from './admin-ports.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const portsNow = adminPorts(dynamoClient(), variables, systemClock.nowEpochMs);

/** The entry point of the function that administers keys. */
export const handler = createAdmin({ portsNow, log: systemLog });
