import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import { picoUsd } from '../../kernel/money.ts';
import type { Period } from '../../kernel/period.ts';
import { number, USAGE_TTL_S } from '../../usage/io/usage-item.ts';
import type { ThresholdCrossing } from '../crossings.ts';
import type { AlertClaim, AlertRecord, AlertRepository } from '../deliver-alerts.ts';

/** Which alerts have been told, in the usage table: `ALERTS#<period>` / `<holder>#<threshold>`. */
export class DynamoAlertRepository implements AlertRepository {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBClient, table: string) {
    this.#table = new DynamoTable(client, table, 'alerts');
  }

  async claim(crossing: ThresholdCrossing, claim: AlertClaim): Promise<ThresholdCrossing | 'told' | 'busy'> {
    const outcome = await this.#table.update('claim an alert', alertKey(crossing), {
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
        ':ttl': number(Math.floor(claim.nowEpochMs / 1000) + USAGE_TTL_S),
        ':spent': number(crossing.spentPicoUsd),
        ':limit': number(crossing.limitPicoUsd),
      },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    if ('written' in outcome) return parseRecord(outcome.written).crossing;
    return outcome.current?.toldAtMs === undefined ? 'busy' : 'told';
  }

  async markDelivered(crossing: ThresholdCrossing, nowEpochMs: number, text: string): Promise<void> {
    await this.#table.update('mark an alert as delivered', alertKey(crossing), {
      UpdateExpression: 'SET toldAtMs = if_not_exists(toldAtMs, :now), #text = :text',
      ExpressionAttributeNames: { '#text': 'text' },
      ExpressionAttributeValues: { ':now': number(nowEpochMs), ':text': { S: text } },
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
  const delivered = item.toldAtMs?.N;
  return {
    crossing: {
      period: item[PARTITION_KEY]?.S?.slice('ALERTS#'.length) ?? '',
      holder,
      threshold,
      spentPicoUsd: picoUsd(BigInt(item.spent?.N ?? '0')),
      limitPicoUsd: picoUsd(BigInt(item.limit?.N ?? '0')),
    },
    leaseEndsAtEpochMs: Number(item.leaseEndsMs?.N ?? 0),
    deliveredAtEpochMs: delivered === undefined ? undefined : Number(delivered),
  };
}
