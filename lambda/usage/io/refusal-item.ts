import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import { dayStartEpochMs } from '../../kernel/period.ts';
import { parseTeamName, teamPartitionKey } from '../../ledger/io/ledger-item.ts';
import { type LedgerRecord, MalformedRecordError } from '../../ledger/io/reservation-end-item.ts';
import type { RefusalBatch, RefusalRow, RefusalStore } from '../refusal-tally.ts';

/** Retention of a batch, in seconds. Only the stream reads it, which delivers it within 24 hours. */
const RETENTION_S = 7 * 86_400;
/** Timeout of a write. It runs after a response and must not take the function to its own timeout. */
const WRITE_TIMEOUT_MS = 2_000;
const SORT_KEY_START = 'REFUSALS#';

/** Writes batches of refusals to the ledger's table, `TEAM#<team>` / `REFUSALS#<batch>`; its stream delivers them to usage. */
export class DynamoRefusals implements RefusalStore {
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'ledger');
    this.#nowEpochMs = nowEpochMs;
  }

  async write({ id, team, rows }: RefusalBatch): Promise<void> {
    const key = { [PARTITION_KEY]: { S: teamPartitionKey(team) }, [SORT_KEY]: { S: `${SORT_KEY_START}${id}` } };
    const input = {
      UpdateExpression: 'SET #rows = :rows, #ttl = :ttl',
      ExpressionAttributeNames: { '#rows': 'rows', '#ttl': TTL_ATTRIBUTE },
      ExpressionAttributeValues: {
        ':rows': { L: rows.map(marshalRow) },
        ':ttl': { N: String(Math.floor(this.#nowEpochMs() / 1000) + RETENTION_S) },
      },
    };
    await this.#table.update(`write the refusals of ${team}`, key, input, WRITE_TIMEOUT_MS);
  }
}

/**
 * Parses the batch of refusals in a record of the ledger's stream; undefined for any other record.
 *
 * @throws MalformedRecordError
 */
export function parseRefusalBatch({ NewImage }: LedgerRecord): RefusalBatch | undefined {
  const team = parseTeamName(NewImage);
  const sortKey = NewImage?.[SORT_KEY]?.S ?? '';
  if (team === undefined || !sortKey.startsWith(SORT_KEY_START)) return undefined;
  const rows = NewImage?.rows?.L;
  if (rows === undefined || rows.length === 0) throw new MalformedRecordError('refusals without rows');
  return { id: sortKey.slice(SORT_KEY_START.length), team, rows: rows.map(({ M }) => unmarshalRow(M ?? {})) };
}

function marshalRow({ day, keyId, model, refusals }: RefusalRow): AttributeValue {
  const counts = Object.entries(refusals).map(([reason, count]) => [reason, { N: String(count) }]);
  return {
    M: { day: { S: day }, key: { S: keyId }, model: { S: model }, refusals: { M: Object.fromEntries(counts) } },
  };
}

function unmarshalRow({ day, key, model, refusals }: Item): RefusalRow {
  if (day?.S === undefined || dayStartEpochMs(day.S) === undefined)
    throw new MalformedRecordError('refusals without a day');
  if (key?.S === undefined || model?.S === undefined) throw new MalformedRecordError('refusals without a key or model');
  const counts = Object.entries(refusals?.M ?? {}).map(([reason, { N }]): [string, number] => {
    const count = Number(N ?? Number.NaN);
    if (!Number.isSafeInteger(count) || !/^[a-z_]{1,64}$/.test(reason))
      throw new MalformedRecordError(`refusals whose "${reason}" is not a whole number`);
    return [reason, count];
  });
  return { day: day.S, keyId: key.S, model: model.S, refusals: Object.fromEntries(counts) };
}
