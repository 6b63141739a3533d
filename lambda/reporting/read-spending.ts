import type { KeyNameReader } from '../access/key-store.ts';
import { mapInBatches } from '../kernel/batches.ts';
import type { PicoUsd } from '../kernel/money.ts';
import { type Day, MS_PER_DAY, type Period, periodAt, periodDayRange, periodStartEpochMs } from '../kernel/period.ts';
import { openLedger } from '../ledger/ledger.ts';
import type { Ledger } from '../ledger/ports.ts';
import { expireTopUps } from '../ledger/top-ups.ts';
import { CANARY_TEAM } from '../policy/canary-team.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { Catalog } from '../pricing/catalog.ts';
import { tokenPricesByModel } from '../pricing/token-prices.ts';
import type { UsageReader } from '../usage/ports.ts';
import type { UsageRow } from '../usage/usage.ts';
import { MAX_USAGE_DAYS } from '../usage/usage-query.ts';
import { addWeeks, daysOfWeek, type IsoWeek } from './iso-week.ts';
import type { MonthLedger, SpendingFacts } from './spending-facts.ts';
import { checkFigures } from './week-figures.ts';
import { periodsOfWeek } from './weekly-report.ts';

/** Where spending is read. */
export type SpendingPorts = {
  readonly usage: UsageReader;
  readonly keyNames: KeyNameReader;
  readonly ledger: Pick<Ledger, 'read' | 'readOrganization'>;
  /** What is in force. */
  readonly policies: () => Promise<{ readonly teams: ReadonlyMap<string, TeamPolicy>; readonly catalog: Catalog }>;
  readonly environmentName: string;
  readonly nowEpochMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
};

/** Told as teams are read. */
export type ProgressCallback = (done: number, of: number) => void;

/** How many teams are read at once. */
const MAX_CONCURRENT_READS = 8;
/** Usage is seconds behind its ledgers: how often both are read until they agree, and how long is waited in between. */
const MAX_TRIES = 3;
const RETRY_DELAY_MS = 2_000;

/** How spending is read. */
export type ReadSpendingOptions = {
  readonly onTeam?: ProgressCallback;
  /** How often, at most, until usage and ledgers agree on the last week. @default 3 */
  readonly tries?: number;
};

/** Reads all that the reports of some weeks, in order, are made from: for operators, who may see everything. */
export async function readSpending(
  ports: SpendingPorts,
  weeks: readonly IsoWeek[],
  { onTeam = () => {}, tries: most = MAX_TRIES }: ReadSpendingOptions = {},
): Promise<SpendingFacts> {
  const last = weeks.at(-1) ?? '';
  for (let tries = 1; ; tries++) {
    const facts = await readSpendingOnce(ports, weeks, onTeam);
    if (tries >= most) return facts;
    const rowsByTeam = Map.groupBy(facts.rows, ({ team }) => team);
    if (checkFigures(facts, rowsByTeam, last).gapPicoUsd === 0n) return facts;
    await ports.sleep(RETRY_DELAY_MS);
  }
}

async function readSpendingOnce(
  ports: SpendingPorts,
  weeks: readonly IsoWeek[],
  onTeam: ProgressCallback,
): Promise<SpendingFacts> {
  const readAtEpochMs = ports.nowEpochMs();
  const { teams: policies, catalog } = await ports.policies();
  const periods = [...new Set(weeks.flatMap(periodsOfWeek))].filter((period) => period <= periodAt(readAtEpochMs));
  const { from, to } = daysToRead(weeks, periods);
  const caps = new Map<Period, PicoUsd>();
  const teams = new Set(policies.keys());
  for (const period of periods) {
    const organization = await ports.ledger.readOrganization(period);
    const standing = organization === undefined ? undefined : expireTopUps(organization, readAtEpochMs);
    const cap = standing?.limitPicoUsd ?? effectiveCap(policies, period, readAtEpochMs);
    if (cap !== undefined) caps.set(period, cap);
    // Those that have gone since are told of, too.
    for (const team of organization?.holders ?? []) teams.add(team);
  }
  teams.delete(CANARY_TEAM);
  const [rows, ledgers] = [[] as UsageRow[], [] as MonthLedger[]];
  const names = new Map<string, string>();
  let done = 0;
  await mapInBatches([...teams].sort(), MAX_CONCURRENT_READS, async (team) => {
    // The ledger first: what is counted while both are read is no difference that lasts.
    ledgers.push(...(await readLedgers(ports, team, policies.get(team), periods, readAtEpochMs)));
    const own = await ports.usage.listRows(team, from, to);
    rows.push(...own);
    // Nobody's name is read where there is nothing to tell of it.
    if (own.length > 0) for (const [id, name] of await ports.keyNames.listKeyNames(team)) names.set(id, name);
    onTeam(++done, teams.size);
  });
  const { environmentName } = ports;
  const prices = tokenPricesByModel(catalog);
  const kept = new Set(periods.filter((period) => isRetained(period, readAtEpochMs)));
  return {
    environmentName,
    teams: [...teams].sort(),
    rows,
    names,
    ledgers,
    periods: kept,
    caps,
    prices,
    readAtEpochMs,
  };
}

/** Whether all that was written of a month is still there: without its ledgers and rows, it looks like one without a call. */
function isRetained(period: Period, nowEpochMs: number): boolean {
  return periodStartEpochMs(period) > nowEpochMs - MAX_USAGE_DAYS * MS_PER_DAY;
}

/** The weeks, the week before, and the whole of each month that is compared. */
function daysToRead(weeks: readonly IsoWeek[], periods: readonly Period[]): { readonly from: Day; readonly to: Day } {
  const weekBefore = addWeeks(weeks[0] ?? '', -1);
  const days = [
    ...daysOfWeek(weekBefore),
    ...daysOfWeek(weeks.at(-1) ?? ''),
    ...periods.flatMap(firstAndLastDay),
  ].sort();
  return { from: days[0] ?? '', to: days.at(-1) ?? '' };
}

function firstAndLastDay(period: Period): readonly Day[] {
  const { from, to } = periodDayRange(period);
  return [from, to];
}

function effectiveCap(
  policies: ReadonlyMap<string, TeamPolicy>,
  period: Period,
  nowEpochMs: number,
): PicoUsd | undefined {
  return period === periodAt(nowEpochMs) ? [...policies.values()][0]?.organizationCapPicoUsd : undefined;
}

async function readLedgers(
  { ledger }: SpendingPorts,
  team: string,
  policy: TeamPolicy | undefined,
  periods: readonly Period[],
  nowEpochMs: number,
): Promise<readonly MonthLedger[]> {
  const read = await mapInBatches(periods, MAX_CONCURRENT_READS, async (period) => {
    // A month without a call has no ledger; the current one has its budget all the same.
    const isNow = policy !== undefined && period === periodAt(nowEpochMs);
    const state =
      (await ledger.read({ team, period })) ?? (isNow ? openLedger(policy.monthlyBudgetPicoUsd) : undefined);
    if (state === undefined) return [];
    const { limitPicoUsd, spentPicoUsd, reservedPicoUsd, assumedPicoUsd, overrunPicoUsd } = expireTopUps(
      state,
      nowEpochMs,
    );
    return [{ team, period, limitPicoUsd, spentPicoUsd, reservedPicoUsd, assumedPicoUsd, overrunPicoUsd }];
  });
  return read.flat();
}
