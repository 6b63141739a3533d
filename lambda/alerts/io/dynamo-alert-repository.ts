import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import { picoUsd } from '../../kernel/money.ts';
import type { Period } from '../../kernel/period.ts';
import { marshalNumber, USAGE_TTL_S } from '../../usage/io/item-update.ts';
import type { ThresholdCrossing } from '../crossings.ts';
import type { AlertClaim, AlertRecord, AlertRepository } from '../deliver-alerts.ts';

/** Attribute of the time of delivery. Stored items have this name, so it cannot change. */
const DELIVERED_AT = 'toldAtMs';

/** Stores alerts in the usage table, `ALERTS#<period>` / `<holder>#<threshold>`. */
export class DynamoAlertRepository implements AlertRepository {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBClient, table: string) {
    this.#table = new DynamoTable(client, table, 'alerts');
  }

  async claim(crossing: ThresholdCrossing, claim: AlertClaim): Promise<ThresholdCrossing | 'delivered' | 'busy'> {
    const outcome = await this.#table.update('claim an alert', alertKey(crossing), {
      // The first crossing is kept, so that a second delivery is identical.
      UpdateExpression:
        'SET claimId = :id, leaseEndsMs = :ends, #ttl = :ttl, spent = if_not_exists(spent, :spent), #limit = if_not_exists(#limit, :limit)',
      // The SDK retries: a claim that finds its own id has succeeded before.
      ConditionExpression:
        'attribute_not_exists(#pk) OR claimId = :id OR (attribute_not_exists(#deliveredAt) AND leaseEndsMs <= :now)',
      ExpressionAttributeNames: {
        '#pk': PARTITION_KEY,
        '#ttl': TTL_ATTRIBUTE,
        '#limit': 'limit',
        '#deliveredAt': DELIVERED_AT,
      },
      ExpressionAttributeValues: {
        ':id': { S: claim.id },
        ':now': marshalNumber(claim.nowEpochMs),
        ':ends': marshalNumber(claim.leaseEndsAtEpochMs),
        // Alerts are kept as long as usage.
        ':ttl': marshalNumber(Math.floor(claim.nowEpochMs / 1000) + USAGE_TTL_S),
        ':spent': marshalNumber(crossing.spentPicoUsd),
        ':limit': marshalNumber(crossing.limitPicoUsd),
      },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    if ('written' in outcome) return parseRecord(outcome.written).crossing;
    return outcome.current?.[DELIVERED_AT] === undefined ? 'busy' : 'delivered';
  }

  async markDelivered(crossing: ThresholdCrossing, nowEpochMs: number, text: string): Promise<void> {
    await this.#table.update('mark an alert as delivered', alertKey(crossing), {
      UpdateExpression: 'SET #deliveredAt = if_not_exists(#deliveredAt, :now), #text = :text',
      ExpressionAttributeNames: { '#deliveredAt': DELIVERED_AT, '#text': 'text' },
      ExpressionAttributeValues: { ':now': marshalNumber(nowEpochMs), ':text': { S: text } },
    });
  }

  async listRecords(period: Period): Promise<readonly AlertRecord[]> {
    const items = await this.#table.query(`read the alerts of ${period}`, {
      KeyConditionExpression: '#pk = :alerts',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
      ExpressionAttributeValues: { ':alerts': { S: alertPartition(period) } },
    });
    return items.map(parseRecord);
  }
}

function alertPartition(period: Period): string {
  return `ALERTS#${period}`;
}

function alertKey({ period, holder, threshold }: ThresholdCrossing): Item {
  return { [PARTITION_KEY]: { S: alertPartition(period) }, [SORT_KEY]: { S: `${holder}#${threshold}` } };
}

function parseRecord(item: Item): AlertRecord {
  const [holder = '', threshold = ''] = item[SORT_KEY]?.S?.split('#') ?? [];
  const deliveredAtMs = item[DELIVERED_AT]?.N;
  return {
    crossing: {
      period: item[PARTITION_KEY]?.S?.slice('ALERTS#'.length) ?? '',
      holder,
      threshold,
      spentPicoUsd: picoUsd(BigInt(item.spent?.N ?? '0')),
      limitPicoUsd: picoUsd(BigInt(item.limit?.N ?? '0')),
    },
    leaseEndsAtEpochMs: Number(item.leaseEndsMs?.N ?? 0),
    deliveredAtEpochMs: deliveredAtMs === undefined ? undefined : Number(deliveredAtMs),
  };
}
