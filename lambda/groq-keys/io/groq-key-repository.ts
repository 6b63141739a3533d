import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import type { GroqKeyCreation, GroqKeyRecord, GroqKeyRecordPatch, GroqKeyRepository } from '../groq-key-record.ts';

/** The time to live of the record of a key's creation, in seconds: ten times as long as a rotation is retried. */
const KEY_CREATION_TTL_S = 10 * 86_400;

const READ = 'read Groq key records';
const WRITE = 'write Groq key records';

/** The records of Groq keys in the registry table; never a key. */
export class DynamoGroqKeyRepository implements GroqKeyRepository {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBClient, table: string) {
    this.#table = new DynamoTable(client, table, 'registry');
  }

  async read(team: string, keyId: string): Promise<GroqKeyRecord | undefined> {
    const item = await this.#table.get(READ, primaryKey(team, keyId));
    return item === undefined ? undefined : parseRecord(team, item);
  }

  async list(team: string): Promise<readonly GroqKeyRecord[]> {
    const items = await this.#table.query(READ, {
      KeyConditionExpression: '#pk = :team AND begins_with(#sk, :key)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
      ExpressionAttributeValues: { ':team': { S: partitionKey(team) }, ':key': { S: 'KEY#' } },
    });
    return items.map((item) => parseRecord(team, item));
  }

  async update(team: string, keyId: string, facts: GroqKeyRecordPatch): Promise<void> {
    await this.#update(team, keyId, facts, (name, value) => `${name} = ${value}`);
  }

  async setIfAbsent(team: string, keyId: string, facts: GroqKeyRecordPatch): Promise<void> {
    await this.#update(team, keyId, facts, (name, value) => `${name} = if_not_exists(${name}, ${value})`);
  }

  async countProbe(team: string, keyId: string, isAccepted: boolean, atEpochMs: number): Promise<void> {
    await this.#table.update(WRITE, primaryKey(team, keyId), {
      UpdateExpression: 'SET probedAtEpochMs = :at ADD probes :one, probesRefused :refused',
      ExpressionAttributeValues: {
        ':at': { N: String(atEpochMs) },
        ':one': { N: '1' },
        ':refused': { N: isAccepted ? '0' : '1' },
      },
    });
  }

  async beginKeyCreation(
    team: string,
    token: string,
    name: string,
    atEpochMs: number,
  ): Promise<GroqKeyCreation & { readonly isRetry: boolean }> {
    const item = {
      [PARTITION_KEY]: { S: partitionKey(team) },
      [SORT_KEY]: { S: `MAKING#${token}` },
      name: { S: name },
      atEpochMs: { N: String(atEpochMs) },
      [TTL_ATTRIBUTE]: { N: String(Math.floor(atEpochMs / 1000) + KEY_CREATION_TTL_S) },
    };
    const outcome = await this.#table.put(WRITE, item, {
      ConditionExpression: 'attribute_not_exists(#pk)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    if ('written' in outcome) return { name, atEpochMs, isRetry: false };
    return {
      name: outcome.current?.name?.S ?? name,
      atEpochMs: Number(outcome.current?.atEpochMs?.N ?? atEpochMs),
      isRetry: true,
    };
  }

  async #update(
    team: string,
    keyId: string,
    facts: GroqKeyRecordPatch,
    assign: (name: string, value: string) => string,
  ): Promise<void> {
    const names = Object.keys(facts) as (keyof GroqKeyRecordPatch)[];
    const set = names.filter((name) => facts[name] != null);
    const removed = names.filter((name) => facts[name] === null);
    if (set.length + removed.length === 0) return;
    const clauses = [
      set.length === 0 ? '' : `SET ${set.map((name) => assign(`#${name}`, `:${name}`)).join(', ')}`,
      removed.length === 0 ? '' : `REMOVE ${removed.map((name) => `#${name}`).join(', ')}`,
    ];
    const values = set.map((name) => [`:${name}`, toAttribute(facts[name])]);
    await this.#table.update(WRITE, primaryKey(team, keyId), {
      UpdateExpression: clauses.join(' ').trim(),
      ExpressionAttributeNames: Object.fromEntries([...set, ...removed].map((name) => [`#${name}`, name])),
      ...(values.length === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(values) }),
    });
  }
}

function partitionKey(team: string): string {
  return `GROQKEYS#${team}`;
}

function primaryKey(team: string, keyId: string): Item {
  return { [PARTITION_KEY]: { S: partitionKey(team) }, [SORT_KEY]: { S: `KEY#${keyId}` } };
}

function toAttribute(fact: string | number | null | undefined): AttributeValue {
  return typeof fact === 'number' ? { N: String(fact) } : { S: fact ?? '' };
}

/** Parses an item; each attribute has the name of its fact. */
function parseRecord(team: string, item: Item): GroqKeyRecord {
  const { [PARTITION_KEY]: _partition, [SORT_KEY]: sortKey, probes, probesRefused, ...facts } = item;
  const values = Object.entries(facts).map(([name, { S, N }]) => [name, N === undefined ? S : Number(N)]);
  return {
    ...(Object.fromEntries(values) as GroqKeyRecordPatch as Omit<
      GroqKeyRecord,
      'team' | 'keyId' | 'probes' | 'probesRefused'
    >),
    team,
    keyId: (sortKey?.S ?? '').replace('KEY#', ''),
    probes: Number(probes?.N ?? 0),
    probesRefused: Number(probesRefused?.N ?? 0),
  };
}
