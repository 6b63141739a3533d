import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type EmbeddedDynamodb, startEmbeddedDynamodb } from '../../../local/dynamodb/embedded-dynamodb.ts';
import { ensureTable } from '../../../local/dynamodb/tables.ts';

/** An embedded DynamoDB in memory with one table, and a client that counts what it sends by command name. */
export type TestDatabase = {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  readonly sent: Map<string, number>;
  close(): Promise<void>;
};

export async function startTestDatabase(...tables: readonly string[]): Promise<TestDatabase> {
  const database: EmbeddedDynamodb = await startEmbeddedDynamodb();
  const client = new DynamoDBClient({
    endpoint: database.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  for (const table of tables) await ensureTable(client, table);
  const sent = new Map<string, number>();
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const name = String(context.commandName);
      sent.set(name, (sent.get(name) ?? 0) + 1);
      return await next(args);
    },
    { step: 'finalizeRequest', name: 'count', priority: 'low' },
  );
  return {
    client,
    endpoint: database.endpoint,
    sent,
    async close() {
      client.destroy();
      await database.close();
    },
  };
}
