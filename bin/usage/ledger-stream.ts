import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { StreamClient } from '../../local/dynamodb/stream-client.ts';
import { CommandError } from '../deployment.ts';

/**
 * The stream of a table, read with the rights of whoever is at the command line.
 *
 * @throws CommandError for a table without one.
 */
export async function openLedgerStream(
  dynamo: DynamoDBClient,
  tableName: string,
  endpoint?: string,
): Promise<StreamClient> {
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: tableName }));
  const arn = Table?.LatestStreamArn;
  if (arn === undefined) throw new CommandError(`the table ${tableName} has no stream`);
  return new StreamClient(dynamo, endpoint ?? streamEndpoint(arn), arn);
}

/** Where AWS serves a region's streams, unless the environment says otherwise, by the SDKs' own variables. */
function streamEndpoint(arn: string): string {
  const own = process.env.AWS_ENDPOINT_URL_DYNAMODB_STREAMS ?? process.env.AWS_ENDPOINT_URL;
  if (own !== undefined && own !== '') return own;
  const [, partition, , region] = arn.split(':');
  return `https://streams.dynamodb.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
}
