import type { KeyNameReader } from '../access/key-store.ts';
import { type Day, periodsBetween } from '../kernel/period.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { UsageReader } from './ports.ts';
import type { UsageRow } from './usage.ts';
import type { UsageQuery } from './usage-query.ts';
import type { KeyNamesById } from './usage-report.ts';
import type { UsageScope } from './usage-scope.ts';

/** Maximum number of teams that are read concurrently. */
const MAX_CONCURRENT_READS = 8;

/** Stores that usage and key names are read from. */
export type UsagePorts = {
  readonly usage: UsageReader;
  readonly keyNames: KeyNameReader;
  readonly ledger: Pick<Ledger, 'readOrganization'>;
};

/** Reads a scope's rows of a query's days and of today, and the names of its keys. */
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
  const queue = teams.values();
  const readTeams = async () => {
    for (const team of queue) {
      const teamRows = [...(await ports.usage.listRows(team, query.from, query.to))];
      if (today < query.from || today > query.to) teamRows.push(...(await ports.usage.listRows(team, today, today)));
      const visible = scope.kind === 'key' ? teamRows.filter(({ keyId }) => keyId === scope.keyId) : teamRows;
      rows.push(...visible);
      if (visible.length > 0) for (const [id, name] of await ports.keyNames.listKeyNames(team)) names.set(id, name);
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_READS }, readTeams));
  return { rows, names };
}

/** Lists teams with a policy, and former teams that spent money in these months. */
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
