import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { StreamTrimmer } from '../local/dynamodb/stream-trimmer.ts';

const TRIM_INTERVAL_MS = 500;

/**
 * Keeps the stream of a database that several gateways share as each does for one of its own: quick, and without what has
 * been counted. Returns how to stop.
 */
export function startStreamTrimming(client: DynamoDBClient, file: string, environmentName: string): () => void {
  const trim = new StreamTrimmer(file, `${environmentName}-ledger`);
  const timer = setInterval(() => {
    // What fails is done the next time; a gateway that is behind begins again where another has counted up to.
    readPosition(client, `${environmentName}-usage`)
      .then((position) => (position === undefined ? undefined : trim.deleteBefore(position)))
      .catch(() => undefined);
  }, TRIM_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    trim.close();
  };
}

/** Up to which record of the stream all has been counted. */
async function readPosition(client: DynamoDBClient, TableName: string): Promise<string | undefined> {
  const ExpressionAttributeValues = { ':position': { S: 'POSITION' } };
  const query = { TableName, KeyConditionExpression: 'pk = :position', ExpressionAttributeValues };
  for await (const page of paginateQuery({ client }, query)) return page.Items?.[0]?.sequenceNumber?.S;
  return undefined;
}
