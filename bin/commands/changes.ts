import { periodAt } from '../../lambda/kernel/period.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { CommandError, findDeployment } from '../deployment.ts';

const MS_PER_DAY = 86_400_000;
/** How far back deployments are looked for: two months' partitions. */
const LOOK_BACK_DAYS = 31;
const MAX_ENTRIES = 200;

/** Prints what the last deployments changed, whole and newest first. */
export async function printChanges(env: string, count: number): Promise<void> {
  const { dynamo, registryTable } = await findDeployment(env);
  const audit = new DynamoAuditLog(dynamo, registryTable);
  const now = Date.now();
  const periods = [...new Set([periodAt(now), periodAt(now - LOOK_BACK_DAYS * MS_PER_DAY)])];
  const entries = (await Promise.all(periods.map((period) => audit.listNewest(period, MAX_ENTRIES)))).flat();
  const deployments = entries.filter(({ action }) => action === 'publish_policies').slice(0, count);
  if (deployments.length === 0) throw new CommandError(`${env} has had no deployment that changed anything lately`);
  for (const { atEpochMs, details } of deployments)
    console.log(`## ${new Date(atEpochMs).toISOString()}\n\n${details}\n`);
}
