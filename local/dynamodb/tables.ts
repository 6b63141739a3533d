import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../lambda/contract.ts';
import { StartError } from '../settings.ts';

/** Names of a local gateway's tables. */
export type TableNames = {
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
};

/** Returns the names of an environment's local tables. */
export function localTableNames(environmentName: string): TableNames {
  return {
    ledgerTable: `${environmentName}-ledger`,
    registryTable: `${environmentName}-registry`,
    usageTable: `${environmentName}-usage`,
  };
}

const STREAM = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' } as const;

/** Creates a table with the gateway's keys, unless it exists. */
export async function ensureTable(client: DynamoDBClient, table: string): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: PARTITION_KEY, AttributeType: 'S' },
          { AttributeName: SORT_KEY, AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: PARTITION_KEY, KeyType: 'HASH' },
          { AttributeName: SORT_KEY, KeyType: 'RANGE' },
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

/** Enables a table's stream, also on a table of an earlier version, and returns the stream's ARN. */
async function ensureStream(client: DynamoDBClient, table: string): Promise<string> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  if (Table?.StreamSpecification?.StreamEnabled === true && Table.LatestStreamArn !== undefined)
    return Table.LatestStreamArn;
  try {
    await client.send(new UpdateTableCommand({ TableName: table, StreamSpecification: STREAM }));
  } catch (error) {
    // Lost a race: another gateway on this database has just enabled it.
    if (!(error instanceof ResourceInUseException || (error instanceof Error && error.name === 'ValidationException')))
      throw error;
  }
  const { Table: streaming } = await client.send(new DescribeTableCommand({ TableName: table }));
  if (streaming?.LatestStreamArn === undefined) throw new Error(`the table ${table} has no stream`);
  return streaming.LatestStreamArn;
}

/**
 * Creates the missing tables, and returns the ARN of the ledger's stream.
 *
 * @throws StartError if DynamoDB fails or cannot be reached.
 */
export async function createTables(client: DynamoDBClient, tables: TableNames): Promise<string> {
  try {
    for (const table of [tables.ledgerTable, tables.registryTable, tables.usageTable]) await ensureTable(client, table);
    return await ensureStream(client, tables.ledgerTable);
  } catch (cause) {
    throw new StartError(
      `DynamoDB does not answer at ${process.env.AWS_ENDPOINT_URL_DYNAMODB}: ${cause instanceof Error ? cause.name : cause}`,
      { cause },
    );
  }
}
