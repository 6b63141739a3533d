import type { KeyNameReader } from '../access/key-store.ts';
import { type Day, periodsBetween } from '../kernel/period.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { UsageReader } from './ports.ts';
import type { UsageRow } from './usage.ts';
import type { UsageQuery } from './usage-query.ts';
import type { KeyNamesById } from './usage-report.ts';
import type { UsageScope } from './usage-scope.ts';

/** How many teams are read at once. */
const MAX_CONCURRENT_READS = 8;

/** Where usage and names are read. */
export type UsagePorts = {
  readonly usage: UsageReader;
  readonly keyNames: KeyNameReader;
  readonly ledger: Pick<Ledger, 'readOrganization'>;
};

/** Reads what a scope shows of a query's days and of today, and the names of its keys. */
export async function readUsage(
  ports: UsagePorts,
  scope: Exclude<UsageScope, { kind: 'nothing' }>,
  query: Pick<UsageQuery, 'from' | 'to'>,
  policyTeams: readonly string[],
  today: Day,
): Promise<{ readonly rows: readonly UsageRow[]; readonly names: KeyNamesById }> {
  const teams = scope.kind === 'organization' ? await listTeams(ports, query, policyTeams) : [scope.team];
  const rows: UsageRow[] = [];
  const names = new Map<string, string>();
  const next = teams.values();
  const readSome = async () => {
    for (const team of next) {
      const found = [...(await ports.usage.listRows(team, query.from, query.to))];
      if (today < query.from || today > query.to) found.push(...(await ports.usage.listRows(team, today, today)));
      const seen = scope.kind === 'key' ? found.filter(({ keyId }) => keyId === scope.keyId) : found;
      rows.push(...seen);
      // Nobody's name is read where there is nothing to tell of it.
      if (seen.length > 0) for (const [id, name] of await ports.keyNames.listKeyNames(team)) names.set(id, name);
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_READS }, readSome));
  return { rows, names };
}

/** Teams with a policy, and those that have spent in these months and have none any more. */
async function listTeams(
  { ledger }: UsagePorts,
  { from, to }: Pick<UsageQuery, 'from' | 'to'>,
  policyTeams: readonly string[],
): Promise<readonly string[]> {
  const teams = new Set(policyTeams);
  for (const period of periodsBetween(from, to)) {
    for (const team of (await ledger.readOrganization(period))?.holders ?? []) teams.add(team);
  }
  return [...teams].sort();
}
