import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { StreamRecords } from '../../local/dynamodb/stream-records.ts';
import { CommandError } from '../deployment.ts';

/**
 * The stream of a table, read with the rights of whoever is at the command line.
 *
 * @throws CommandError for a table without one.
 */
export async function streamOf(dynamo: DynamoDBClient, tableName: string, endpoint?: string): Promise<StreamRecords> {
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: tableName }));
  const arn = Table?.LatestStreamArn;
  if (arn === undefined) throw new CommandError(`the table ${tableName} has no stream`);
  return new StreamRecords(dynamo, endpoint ?? streamEndpoint(arn), arn);
}

/** Where AWS serves a region's streams, unless the environment says otherwise, by the SDKs' own variables. */
function streamEndpoint(arn: string): string {
  const own = process.env.AWS_ENDPOINT_URL_DYNAMODB_STREAMS ?? process.env.AWS_ENDPOINT_URL;
  if (own !== undefined && own !== '') return own;
  const [, partition, , region] = arn.split(':');
  return `https://streams.dynamodb.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
}
