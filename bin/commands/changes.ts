import { MS_PER_DAY, periodAt } from '../../lambda/kernel/period.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { CommandError } from '../command-error.ts';
import { findDeployment } from '../deployment.ts';

/** Options of `changes`; `last` is a number of deployments. */
export type ChangesOptions = { readonly env: string; readonly last: number };

/** The audit trail is searched this far back: at most two monthly partitions. */
const LOOK_BACK_DAYS = 31;
const MAX_ENTRIES = 200;

/** `changes`: prints the changes of the last deployments in full, newest first. */
export async function printChanges({ env, last }: ChangesOptions): Promise<void> {
  const { dynamo, registryTable } = await findDeployment(env);
  const audit = new DynamoAuditLog(dynamo, registryTable);
  const nowEpochMs = Date.now();
  const periods = [...new Set([periodAt(nowEpochMs), periodAt(nowEpochMs - LOOK_BACK_DAYS * MS_PER_DAY)])];
  const entries = (await Promise.all(periods.map((period) => audit.listNewest(period, MAX_ENTRIES)))).flat();
  const deployments = entries.filter(({ action }) => action === 'publish_policies').slice(0, last);
  if (deployments.length === 0)
    throw new CommandError(`no deployment of ${env} changed anything in the last ${LOOK_BACK_DAYS} days`);
  for (const { atEpochMs, details } of deployments)
    console.log(`## ${new Date(atEpochMs).toISOString()}\n\n${details}\n`);
}
