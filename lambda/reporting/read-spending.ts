import type { KeyNameReader } from '../access/key-store.ts';
import { mapInBatches } from '../kernel/batches.ts';
import { type Day, MS_PER_DAY, type Period, periodAt, periodDayRange, periodStartEpochMs } from '../kernel/period.ts';
import type { Ledger } from '../ledger/ports.ts';
import { CANARY_TEAM } from '../policy/canary-team.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { Catalog } from '../pricing/catalog.ts';
import { tokenPricesByModel } from '../pricing/token-prices.ts';
import type { UsageReader } from '../usage/ports.ts';
import type { UsageRow } from '../usage/usage.ts';
import { MAX_USAGE_DAYS } from '../usage/usage-query.ts';
import { addWeeks, daysOfWeek, type IsoWeek, periodsOfWeek } from './iso-week.ts';
import { readMonthLedgers, readOrganizationMonths } from './read-month-ledgers.ts';
import type { MonthLedger, SpendingFacts } from './spending-facts.ts';
import { checkFigures } from './week-figures.ts';

/** Dependencies for reading spending. */
export type SpendingPorts = {
  readonly usage: UsageReader;
  readonly keyNames: KeyNameReader;
  readonly ledger: Pick<Ledger, 'read' | 'readOrganization'>;
  readonly policies: () => Promise<{ readonly teams: ReadonlyMap<string, TeamPolicy>; readonly catalog: Catalog }>;
  readonly environmentName: string;
  readonly nowEpochMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
};

/** Called after each team is read, with the number of teams done and in total. */
export type ProgressCallback = (done: number, total: number) => void;

/** Limit of teams that are read concurrently. */
const MAX_CONCURRENT_READS = 8;
/** Usage is seconds behind the ledgers, so both are read again until they agree. */
const MAX_TRIES = 3;
const RETRY_DELAY_MS = 2_000;

/** Options for reading spending. */
export type ReadSpendingOptions = {
  readonly onTeam?: ProgressCallback;
  /** Maximum number of reads until usage and ledgers agree on the last week. @default 3 */
  readonly tries?: number;
};

/** Reads everything that the reports of consecutive weeks need, of all teams. */
export async function readSpending(
  ports: SpendingPorts,
  weeks: readonly IsoWeek[],
  { onTeam = () => {}, tries: maxTries = MAX_TRIES }: ReadSpendingOptions = {},
): Promise<SpendingFacts> {
  const lastWeek = weeks.at(-1) ?? '';
  for (let tries = 1; ; tries++) {
    const facts = await readSpendingOnce(ports, weeks, onTeam);
    if (tries >= maxTries) return facts;
    const rowsByTeam = Map.groupBy(facts.rows, ({ team }) => team);
    if (checkFigures(facts, rowsByTeam, lastWeek).gapPicoUsd === 0n) return facts;
    await ports.sleep(RETRY_DELAY_MS);
  }
}

async function readSpendingOnce(
  ports: SpendingPorts,
  weeks: readonly IsoWeek[],
  onTeam: ProgressCallback,
): Promise<SpendingFacts> {
  const { ledger, usage, keyNames, environmentName } = ports;
  const readAtEpochMs = ports.nowEpochMs();
  const { teams: policies, catalog } = await ports.policies();
  const periods = [...new Set(weeks.flatMap(periodsOfWeek))].filter((period) => period <= periodAt(readAtEpochMs));
  const { from, to } = daysToRead(weeks, periods);
  const organization = await readOrganizationMonths(ledger, policies, periods, readAtEpochMs);
  const teams = [...new Set([...policies.keys(), ...organization.teams])].filter((team) => team !== CANARY_TEAM).sort();
  const rows: UsageRow[] = [];
  const ledgers: MonthLedger[] = [];
  const names = new Map<string, string>();
  let done = 0;
  await mapInBatches(teams, MAX_CONCURRENT_READS, async (team) => {
    // The ledgers are read first, so that usage, which lags behind them, can catch up in the meantime.
    ledgers.push(...(await readMonthLedgers(ledger, team, policies.get(team), periods, readAtEpochMs)));
    const teamRows = await usage.listRows(team, from, to);
    rows.push(...teamRows);
    if (teamRows.length > 0) for (const [id, name] of await keyNames.listKeyNames(team)) names.set(id, name);
    onTeam(++done, teams.length);
  });
  return {
    environmentName,
    teams,
    rows,
    names,
    ledgers,
    periods: new Set(periods.filter((period) => isRetained(period, readAtEpochMs))),
    caps: organization.caps,
    prices: tokenPricesByModel(catalog),
    readAtEpochMs,
  };
}

/** True if nothing of a month has expired: afterwards, it would look like a month without a call. */
function isRetained(period: Period, nowEpochMs: number): boolean {
  return periodStartEpochMs(period) > nowEpochMs - MAX_USAGE_DAYS * MS_PER_DAY;
}

/** The weeks, the week before them, and every day of the months that are compared with their ledgers. */
function daysToRead(weeks: readonly IsoWeek[], periods: readonly Period[]): { readonly from: Day; readonly to: Day } {
  const months = periods.map(periodDayRange);
  const days = [
    ...daysOfWeek(addWeeks(weeks[0] ?? '', -1)),
    ...daysOfWeek(weeks.at(-1) ?? ''),
    ...months.flatMap(({ from, to }) => [from, to]),
  ].sort();
  return { from: days[0] ?? '', to: days.at(-1) ?? '' };
}
