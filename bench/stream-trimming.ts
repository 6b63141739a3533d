import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { StreamTrimmer } from '../local/dynamodb/stream-trimmer.ts';

const TRIM_INTERVAL_MS = 500;

/**
 * Deletes counted records from the stream of a shared database, as each gateway does for its own database, so that reads stay
 * fast. Returns a function that stops it.
 */
export function startStreamTrimming(client: DynamoDBClient, file: string, environmentName: string): () => void {
  const trim = new StreamTrimmer(file, `${environmentName}-ledger`);
  const timer = setInterval(() => {
    // A failure is retried at the next interval. A gateway that is behind continues from the stored position.
    readPosition(client, `${environmentName}-usage`)
      .then((position) => (position === undefined ? undefined : trim.deleteBefore(position)))
      .catch(() => undefined);
  }, TRIM_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    trim.close();
  };
}

/** Reads the sequence number up to which all records have been counted. */
async function readPosition(client: DynamoDBClient, TableName: string): Promise<string | undefined> {
  const ExpressionAttributeValues = { ':position': { S: 'POSITION' } };
  const query = { TableName, KeyConditionExpression: 'pk = :position', ExpressionAttributeValues };
  for await (const page of paginateQuery({ client }, query)) return page.Items?.[0]?.sequenceNumber?.S;
  return undefined;
}
