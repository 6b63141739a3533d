import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import type { ReportedDifferences } from '../watch/watch-catalog.ts';

/** Beside the records of Groq keys, which the same function writes. No team has a name in upper case. */
const ITEM_KEY = { [PARTITION_KEY]: { S: 'GROQKEYS#CATALOG' }, [SORT_KEY]: { S: 'REPORTED' } };
/** Differences that are recorded; an item holds 400 KB, and an id has less than 300 characters. */
const MAX_IDS = 1_000;

/** The differences between the catalog and Groq's list that operators know of, in the registry table. */
export class DynamoReportedDifferences implements ReportedDifferences {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBClient, table: string) {
    this.#table = new DynamoTable(client, table, 'registry');
  }

  async read(): Promise<readonly string[]> {
    const item = await this.#table.get('read the reported differences of the catalog', ITEM_KEY);
    return (item?.ids?.L ?? []).flatMap(({ S }) => (S === undefined ? [] : [S]));
  }

  async replace(ids: readonly string[]): Promise<void> {
    const item = { ...ITEM_KEY, ids: { L: ids.slice(0, MAX_IDS).map((id) => ({ S: id })) } };
    await this.#table.put('record the reported differences of the catalog', item);
  }
}
