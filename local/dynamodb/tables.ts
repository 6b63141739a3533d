import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../lambda/contract.ts';
import { StartError } from '../settings.ts';

const STREAM = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' } as const;

/** Creates a table of the gateway's form, unless it is there. */
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

/** Lets readers of a table's stream be told of each change; returns the stream's ARN. A table may be of before. */
async function ensureStream(client: DynamoDBClient, table: string): Promise<string> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  if (Table?.StreamSpecification?.StreamEnabled === true && Table.LatestStreamArn !== undefined)
    return Table.LatestStreamArn;
  try {
    await client.send(new UpdateTableCommand({ TableName: table, StreamSpecification: STREAM }));
  } catch (error) {
    // Another gateway on this database has just done it.
    if (!(error instanceof ResourceInUseException || (error instanceof Error && error.name === 'ValidationException')))
      throw error;
  }
  const { Table: streaming } = await client.send(new DescribeTableCommand({ TableName: table }));
  if (streaming?.LatestStreamArn === undefined) throw new Error(`the table ${table} has no stream`);
  return streaming.LatestStreamArn;
}

/** Makes the tables that are missing; returns the ARN of the ledger's stream. @throws StartError */
export async function createTables(client: DynamoDBClient, environmentName: string): Promise<string> {
  try {
    for (const table of ['ledger', 'registry', 'usage']) await ensureTable(client, `${environmentName}-${table}`);
    return await ensureStream(client, `${environmentName}-ledger`);
  } catch (cause) {
    throw new StartError(
      `DynamoDB does not answer at ${process.env.AWS_ENDPOINT_URL_DYNAMODB}: ${cause instanceof Error ? cause.name : cause}`,
      { cause },
    );
  }
}
