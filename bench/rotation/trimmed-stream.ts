import { DatabaseSync } from 'node:sqlite';
import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { StreamTrim } from '../../local/stream-trim.ts';

const TRIM_EVERY_MS = 500;

/** What of a stream is taken away: what has been counted, or all that there is, for those who count nothing. */
export type Trimmed = 'counted' | 'all';

/**
 * Keeps the stream of a database short that several gateways share, as each does for one of its own: the embedded database
 * looks through all records of a stream at each write. Returns how to stop.
 */
export function keepStreamShort(
  client: DynamoDBClient,
  file: string,
  environmentName: string,
  trimmed: Trimmed,
): () => void {
  const newest = new DatabaseSync(file, { readOnly: true, timeout: TRIM_EVERY_MS });
  const upTo = async () =>
    trimmed === 'all' ? newestOf(newest) : await positionOf(client, `${environmentName}-usage`);
  const trim = new StreamTrim(file, `${environmentName}-ledger`);
  const timer = setInterval(() => {
    // What fails is done the next time; a gateway that is behind begins again where another has counted up to.
    upTo()
      .then((position) => (position === undefined ? undefined : trim.forgetBefore(position)))
      .catch(() => undefined);
  }, TRIM_EVERY_MS);
  return () => {
    clearInterval(timer);
    newest.close();
    trim.close();
  };
}

/** The stream's last record. */
function newestOf(database: DatabaseSync): string | undefined {
  const row = database.prepare('SELECT MAX(CAST(sequence_number AS INTEGER)) AS newest FROM _stream_records').get();
  return row?.newest === null || row?.newest === undefined ? undefined : String(row.newest);
}

/** Up to which record of the stream all has been counted. */
async function positionOf(client: DynamoDBClient, TableName: string): Promise<string | undefined> {
  const ExpressionAttributeValues = { ':position': { S: 'POSITION' } };
  const query = { TableName, KeyConditionExpression: 'pk = :position', ExpressionAttributeValues };
  for await (const page of paginateQuery({ client }, query)) return page.Items?.[0]?.sequenceNumber?.S;
  return undefined;
}
