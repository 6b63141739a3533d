import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import type { AuditEntry, AuditLog } from '../../kernel/audit-log.ts';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import { redactKeys } from '../../kernel/key-redaction.ts';
import { type Period, periodAt } from '../../kernel/period.ts';

/** The retention of an entry, in seconds: 400 days. */
const AUDIT_RETENTION_S = 400 * 86_400;

/** The audit trail in the registry table: one partition for each month, entries in order of time. */
export class DynamoAuditLog implements AuditLog {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBClient, table: string) {
    this.#table = new DynamoTable(client, table, 'registry');
  }

  async append(entry: AuditEntry): Promise<void> {
    const { atEpochMs, ...facts } = entry;
    // Redacts before the write, because no role may change an entry later.
    const kept = { ...facts, details: redactKeys(facts.details) };
    const texts = Object.entries(kept).map(([name, value]) => [name, { S: value }]);
    const item = {
      [PARTITION_KEY]: { S: `AUDIT#${periodAt(atEpochMs)}` },
      [SORT_KEY]: { S: `${new Date(atEpochMs).toISOString()}#${entry.id}` },
      ...Object.fromEntries(texts),
      [TTL_ATTRIBUTE]: { N: String(Math.floor(atEpochMs / 1000) + AUDIT_RETENTION_S) },
    };
    // Idempotent: a retry finds its entry, and no entry is ever replaced.
    await this.#table.put('write the audit trail', item, {
      ConditionExpression: 'attribute_not_exists(#pk)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
    });
  }

  /** Lists a month's newest entries, newest first; of one team, if given. */
  async listNewest(period: Period, maxEntries: number, team?: string): Promise<readonly AuditEntry[]> {
    const query = {
      ConsistentRead: false,
      KeyConditionExpression: '#pk = :period',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, ...(team === undefined ? {} : { '#team': 'team' }) },
      ExpressionAttributeValues: {
        ':period': { S: `AUDIT#${period}` },
        ...(team === undefined ? {} : { ':team': { S: team } }),
      },
      ...(team === undefined ? { Limit: maxEntries } : { FilterExpression: '#team = :team' }),
      ScanIndexForward: false,
    };
    return (await this.#table.query('read the audit trail', query, maxEntries)).map(parseAuditEntry);
  }
}

function parseAuditEntry(item: Item): AuditEntry {
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
