import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { StreamClient } from '../../local/dynamodb/stream-client.ts';
import { CommandError } from '../command-error.ts';

/**
 * Opens a table's stream with the operator's credentials.
 *
 * @throws CommandError for a table without a stream.
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

/** The endpoint of DynamoDB Streams in a region, unless the SDK's environment variables override it. */
function streamEndpoint(arn: string): string {
  const override = process.env.AWS_ENDPOINT_URL_DYNAMODB_STREAMS ?? process.env.AWS_ENDPOINT_URL;
  if (override !== undefined && override !== '') return override;
  const [, partition, , region] = arn.split(':');
  return `https://streams.dynamodb.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
}
