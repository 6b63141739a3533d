import type { KeyRecord, KeyUsage } from '../access/key-record.ts';
import { mapInBatches } from '../kernel/batches.ts';
import { addUsd, toUsdString, ZERO_USD } from '../kernel/money.ts';
import { type Day, dayAt, MS_PER_DAY } from '../kernel/period.ts';
import type { UsageReader } from '../usage/ports.ts';
import type { UsageRow } from '../usage/usage.ts';

/** The maximum age of a key's last use, in days; older use is not reported. */
const LOOK_BACK_DAYS = 62;
/** The maximum number of teams read concurrently. */
const TEAM_CONCURRENCY = 8;

/** Reads the recent use of keys, by key id. It is seconds behind the ledger. Keys of no team call no models. */
export async function readKeyUsage(
  usage: UsageReader,
  records: readonly KeyRecord[],
  nowEpochMs: number,
): Promise<ReadonlyMap<string, KeyUsage>> {
  const today = dayAt(nowEpochMs);
  const from = dayAt(nowEpochMs - LOOK_BACK_DAYS * MS_PER_DAY);
  const teams = [...new Set(records.flatMap(({ team }) => (team === undefined ? [] : [team])))];
  const rows = (await mapInBatches(teams, TEAM_CONCURRENCY, (team) => usage.listRows(team, from, today))).flat();
  const rowsByKey = Map.groupBy(rows, ({ keyId }) => keyId);
  return new Map(records.map(({ keyId }) => [keyId, summarizeUsage(rowsByKey.get(keyId) ?? [], today)]));
}

function summarizeUsage(rows: readonly UsageRow[], today: Day): KeyUsage {
  const used = rows.filter(({ requests, voided }) => requests + voided > 0);
  const thisMonth = used.filter(({ day }) => day.slice(0, 7) === today.slice(0, 7));
  return {
    lastUsedOn: used
      .map(({ day }) => day)
      .sort()
      .at(-1),
    requestsThisMonth: thisMonth.reduce((sum, { requests }) => sum + requests, 0),
    costThisMonthUsd: toUsdString(addUsd(ZERO_USD, ...thisMonth.map(({ costPicoUsd }) => costPicoUsd))),
  };
}
