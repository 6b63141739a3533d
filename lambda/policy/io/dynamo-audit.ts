import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import type { AuditEntry, AuditLog } from '../../kernel/audit-log.ts';
import { withoutKeys } from '../../kernel/key-mask.ts';
import { type Period, periodOf } from '../../kernel/period.ts';
import { RegistryError } from './registry.ts';

/** How long an entry is kept, in seconds: 400 days. */
const KEEP_S = 400 * 86_400;

/** The audit trail in the registry table: one partition a month, entries in order of time. */
export class DynamoAudit implements AuditLog {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async append(entry: AuditEntry): Promise<void> {
    const { atEpochMs, ...facts } = entry;
    // No role may take out again what people wrote as their reason.
    const kept = { ...facts, details: withoutKeys(facts.details) };
    const texts = Object.entries(kept).map(([name, value]) => [name, { S: value }]);
    const Item = {
      [PARTITION_KEY]: { S: `AUDIT#${periodOf(atEpochMs)}` },
      [SORT_KEY]: { S: `${new Date(atEpochMs).toISOString()}#${entry.id}` },
      ...Object.fromEntries(texts),
      [TTL_ATTRIBUTE]: { N: String(Math.floor(atEpochMs / 1000) + KEEP_S) },
    };
    const command = new PutItemCommand({
      TableName: this.#table,
      Item,
      // An entry is never replaced, also not by the one who wrote it.
      ConditionExpression: 'attribute_not_exists(#pk)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
    });
    try {
      await this.#client.send(command);
    } catch (cause) {
      if (cause instanceof ConditionalCheckFailedException) return;
      throw new RegistryError('cannot write the audit trail', { cause });
    }
  }

  /** A month's newest entries, newest first; of one team's affairs, if it is named. */
  async newest(period: Period, most: number, team?: string): Promise<readonly AuditEntry[]> {
    const query = {
      TableName: this.#table,
      KeyConditionExpression: '#pk = :period',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, ...(team === undefined ? {} : { '#team': 'team' }) },
      ExpressionAttributeValues: {
        ':period': { S: `AUDIT#${period}` },
        ...(team === undefined ? {} : { ':team': { S: team } }),
      },
      ...(team === undefined ? { Limit: most } : { FilterExpression: '#team = :team' }),
      ScanIndexForward: false,
    };
    const entries: AuditEntry[] = [];
    try {
      // A page has 1 MB at most, before it is filtered.
      for await (const { Items = [] } of paginateQuery({ client: this.#client }, query)) {
        entries.push(...Items.map(entryOf));
        if (entries.length >= most) break;
      }
    } catch (cause) {
      throw new RegistryError('cannot read the audit trail', { cause });
    }
    return entries.slice(0, most);
  }
}

function entryOf(item: Readonly<Record<string, AttributeValue>>): AuditEntry {
  const text = (field: 'team' | 'source' | 'requestId') =>
    item[field]?.S === undefined ? {} : { [field]: item[field].S };
  return {
    atEpochMs: Date.parse(item[SORT_KEY]?.S?.split('#', 1)[0] ?? ''),
    id: item.id?.S ?? '',
    actor: item.actor?.S ?? '',
    action: item.action?.S ?? '',
    subject: item.subject?.S ?? '',
    details: item.details?.S ?? '',
    ...text('team'),
    ...text('source'),
    ...text('requestId'),
  };
}
