import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import { picoUsd } from '../../kernel/money.ts';
import type { Period } from '../../kernel/period.ts';
import { KEEP_ROWS_S, number } from '../../usage/io/usage-item.ts';
import type { AlertClaim, AlertClaims, AlertRecord } from '../announce-crossings.ts';
import type { Crossing } from '../crossings.ts';

/** Which alerts have been told, in the usage table: `ALERTS#<period>` / `<holder>#<threshold>`. */
export class DynamoAlerts implements AlertClaims {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBClient, table: string) {
    this.#table = new DynamoTable(client, table, 'alerts');
  }

  async claim(crossing: Crossing, claim: AlertClaim): Promise<Crossing | 'told' | 'busy'> {
    const outcome = await this.#table.update('claim an alert', keyOf(crossing), {
      // A crossing stays as it was first seen, so that whoever tells it again tells the same.
      UpdateExpression:
        'SET claimId = :id, leaseEndsMs = :ends, #ttl = :ttl, spent = if_not_exists(spent, :spent), #limit = if_not_exists(#limit, :limit)',
      // The client tries again by itself: a claim that finds its own id has succeeded.
      ConditionExpression:
        'attribute_not_exists(#pk) OR claimId = :id OR (attribute_not_exists(toldAtMs) AND leaseEndsMs <= :now)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#ttl': TTL_ATTRIBUTE, '#limit': 'limit' },
      ExpressionAttributeValues: {
        ':id': { S: claim.id },
        ':now': number(claim.nowEpochMs),
        ':ends': number(claim.leaseEndsAtEpochMs),
        // As long as the usage that they tell of.
        ':ttl': number(Math.floor(claim.nowEpochMs / 1000) + KEEP_ROWS_S),
        ':spent': number(crossing.spent),
        ':limit': number(crossing.limit),
      },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    if ('written' in outcome) return recordOf(outcome.written).crossing;
    return outcome.current?.toldAtMs === undefined ? 'busy' : 'told';
  }

  async markTold(crossing: Crossing, nowEpochMs: number, text: string): Promise<void> {
    await this.#table.update('mark an alert as delivered', keyOf(crossing), {
      UpdateExpression: 'SET toldAtMs = if_not_exists(toldAtMs, :now), #text = :text',
      ExpressionAttributeNames: { '#text': 'text' },
      ExpressionAttributeValues: { ':now': number(nowEpochMs), ':text': { S: text } },
    });
  }

  async recordsOf(period: Period): Promise<readonly AlertRecord[]> {
    const items = await this.#table.query(`read the alerts of ${period}`, {
      KeyConditionExpression: '#pk = :alerts',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
      ExpressionAttributeValues: { ':alerts': { S: partitionOf(period) } },
    });
    return items.map(recordOf);
  }
}

function partitionOf(period: Period): string {
  return `ALERTS#${period}`;
}

function keyOf({ period, holder, threshold }: Crossing): Item {
  return { [PARTITION_KEY]: { S: partitionOf(period) }, [SORT_KEY]: { S: `${holder}#${threshold}` } };
}

function recordOf(item: Item): AlertRecord {
  const [holder = '', threshold = ''] = item[SORT_KEY]?.S?.split('#') ?? [];
  const told = item.toldAtMs?.N;
  return {
    crossing: {
      period: item[PARTITION_KEY]?.S?.slice('ALERTS#'.length) ?? '',
      holder,
      threshold,
      spent: picoUsd(BigInt(item.spent?.N ?? '0')),
      limit: picoUsd(BigInt(item.limit?.N ?? '0')),
    },
    leaseEndsAtEpochMs: Number(item.leaseEndsMs?.N ?? 0),
    toldAtEpochMs: told === undefined ? undefined : Number(told),
  };
}
