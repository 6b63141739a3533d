import type { AttributeValue, Update } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { type Day, dayStartEpochMs } from '../../kernel/period.ts';
import { teamPartitionKey } from '../../ledger/io/ledger-item.ts';

/** An update of one item, without its table. */
export type ItemUpdate = Omit<Update, 'TableName'>;

/** Retention of an item after its day, in seconds: the same as for ledgers. */
export const USAGE_TTL_S = 401 * 86_400;

/** Adds numbers to a team's item, which is created at zero, and sets its texts. The item expires after its day. */
export function incrementItem(
  team: string,
  sortKey: string,
  day: Day,
  texts: Readonly<Record<string, string>>,
  increments: readonly (readonly [attribute: string, amount: number | bigint])[],
): ItemUpdate {
  const assignments = Object.entries(texts).map(([name]) => `#${name} = :${name}`);
  const additions = increments.map(([name]) => `#${name} :${name}`);
  const attributes = [...Object.keys(texts), ...increments.map(([name]) => name)];
  const expiresAtEpochS = Math.floor((dayStartEpochMs(day) ?? 0) / 1000) + USAGE_TTL_S;
  return {
    Key: { [PARTITION_KEY]: { S: teamPartitionKey(team) }, [SORT_KEY]: { S: sortKey } },
    UpdateExpression: `SET #ttl = :ttl, ${assignments.join(', ')} ADD ${additions.join(', ')}`,
    ExpressionAttributeNames: {
      '#ttl': TTL_ATTRIBUTE,
      ...Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
    },
    ExpressionAttributeValues: {
      ':ttl': marshalNumber(expiresAtEpochS),
      ...Object.fromEntries(Object.entries(texts).map(([name, value]) => [`:${name}`, { S: value }])),
      ...Object.fromEntries(increments.map(([name, value]) => [`:${name}`, marshalNumber(value)])),
    },
  };
}

/** A number as a DynamoDB attribute value. */
export function marshalNumber(value: number | bigint): AttributeValue {
  return { N: String(value) };
}
