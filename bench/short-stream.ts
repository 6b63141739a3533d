import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { StreamTrim } from '../local/dynamodb/stream-trim.ts';

const TRIM_EVERY_MS = 500;

/**
 * Keeps the stream of a database that several gateways share as each does for one of its own: quick, and without what has
 * been counted. Returns how to stop.
 */
export function keepStreamShort(client: DynamoDBClient, file: string, environmentName: string): () => void {
  const trim = new StreamTrim(file, `${environmentName}-ledger`);
  const timer = setInterval(() => {
    // What fails is done the next time; a gateway that is behind begins again where another has counted up to.
    positionOf(client, `${environmentName}-usage`)
      .then((position) => (position === undefined ? undefined : trim.forgetBefore(position)))
      .catch(() => undefined);
  }, TRIM_EVERY_MS);
  return () => {
    clearInterval(timer);
    trim.close();
  };
}

/** Up to which record of the stream all has been counted. */
async function positionOf(client: DynamoDBClient, TableName: string): Promise<string | undefined> {
  const ExpressionAttributeValues = { ':position': { S: 'POSITION' } };
  const query = { TableName, KeyConditionExpression: 'pk = :position', ExpressionAttributeValues };
  for await (const page of paginateQuery({ client }, query)) return page.Items?.[0]?.sequenceNumber?.S;
  return undefined;
}
