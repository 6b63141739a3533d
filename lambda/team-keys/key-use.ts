import type { KeyRecord, KeyUse } from '../access/key-record.ts';
import { inBatches } from '../kernel/in-batches.ts';
import { addUsd, usdText, ZERO_USD } from '../kernel/money.ts';
import { type Day, dayOf, MS_PER_DAY } from '../kernel/period.ts';
import type { UsageReader } from '../usage/ports.ts';
import type { UsageRow } from '../usage/usage.ts';

/** How far back is looked for a key's last use, in days. */
const LOOK_BACK_DAYS = 62;
/** How many teams are read at once. */
const TEAMS_AT_ONCE = 8;

/** What keys have been used for lately, by their ids; seconds behind the ledger. Keys of no team call no models. */
export async function readKeyUse(
  usage: UsageReader,
  records: readonly KeyRecord[],
  nowEpochMs: number,
): Promise<ReadonlyMap<string, KeyUse>> {
  const today = dayOf(nowEpochMs);
  const from = dayOf(nowEpochMs - LOOK_BACK_DAYS * MS_PER_DAY);
  const teams = [...new Set(records.flatMap(({ team }) => (team === undefined ? [] : [team])))];
  const rows = (await inBatches(teams, TEAMS_AT_ONCE, (team) => usage.rowsOf(team, from, today))).flat();
  const rowsOf = Map.groupBy(rows, ({ keyId }) => keyId);
  return new Map(records.map(({ keyId }) => [keyId, useOf(rowsOf.get(keyId) ?? [], today)]));
}

function useOf(rows: readonly UsageRow[], today: Day): KeyUse {
  const used = rows.filter(({ requests, voided }) => requests + voided > 0);
  const thisMonth = used.filter(({ day }) => day.slice(0, 7) === today.slice(0, 7));
  return {
    lastUsedOn: used
      .map(({ day }) => day)
      .sort()
      .at(-1),
    requestsThisMonth: thisMonth.reduce((sum, { requests }) => sum + requests, 0),
    costThisMonthUsd: usdText(addUsd(ZERO_USD, ...thisMonth.map(({ costPicoUsd }) => costPicoUsd))),
  };
}
