import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import { dayStartEpochMs } from '../../kernel/period.ts';
import { parseTeamName, teamPartitionKey } from '../../ledger/io/ledger-item.ts';
import { type LedgerRecord, MalformedRecordError } from '../../ledger/io/reservation-end-item.ts';
import type { RefusalBatch, RefusalRow, RefusalStore } from '../refusal-tally.ts';

/** How long a batch is kept, in seconds: a stream tells of it for 24 hours at most, and nobody else reads it. */
const KEEP_S = 7 * 86_400;
/** How long a write may take, in milliseconds: it comes after an answer, and must not bring a function to its time's end. */
const WRITE_TIMEOUT_MS = 2_000;
const SORT_KEY_START = 'REFUSALS#';

/** Batches of refusals in the ledger's table, `TEAM#<team>` / `REFUSALS#<batch>`, whose stream brings them to the usage. */
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
        ':ttl': { N: String(Math.floor(this.#nowEpochMs() / 1000) + KEEP_S) },
      },
    };
    await this.#table.update(`write the refusals of ${team}`, key, input, WRITE_TIMEOUT_MS);
  }
}

/**
 * The batch of refusals that a record of the ledger's stream tells of; undefined for one of anything else.
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
    throw new MalformedRecordError('refusals of no day');
  if (key?.S === undefined || model?.S === undefined) throw new MalformedRecordError('refusals of no key or model');
  const counts = Object.entries(refusals?.M ?? {}).map(([reason, { N }]): [string, number] => {
    const count = Number(N ?? Number.NaN);
    if (!Number.isSafeInteger(count) || !/^[a-z_]{1,64}$/.test(reason))
      throw new MalformedRecordError(`refusals whose "${reason}" is no whole number`);
    return [reason, count];
  });
  return { day: day.S, keyId: key.S, model: model.S, refusals: Object.fromEntries(counts) };
}
