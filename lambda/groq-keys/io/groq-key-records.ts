import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { RegistryError } from '../../policy/io/registry.ts';
import type { GroqKeyFacts, GroqKeyRecord, GroqKeyRecords, KeyInMaking } from '../groq-key-record.ts';

/** How long it is remembered which key a rotation was making, in seconds: ten times as long as it may be tried. */
const REMEMBER_MAKING_S = 10 * 86_400;

type Item = Readonly<Record<string, AttributeValue>>;

/** What the registry table remembers of teams' Groq keys; never a key. */
export class DynamoGroqKeyRecords implements GroqKeyRecords {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async read(team: string, keyId: string): Promise<GroqKeyRecord | undefined> {
    const Key = keyOf(team, keyId);
    const Item = await this.#try('read', async () => {
      const command = new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true });
      return (await this.#client.send(command)).Item;
    });
    return Item === undefined ? undefined : recordOf(team, Item);
  }

  async list(team: string): Promise<readonly GroqKeyRecord[]> {
    const query = {
      TableName: this.#table,
      ConsistentRead: true,
      KeyConditionExpression: '#pk = :team AND begins_with(#sk, :key)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
      ExpressionAttributeValues: { ':team': { S: partitionOf(team) }, ':key': { S: 'KEY#' } },
    };
    return await this.#try('read', async () => {
      const records: GroqKeyRecord[] = [];
      for await (const { Items = [] } of paginateQuery({ client: this.#client }, query))
        records.push(...Items.map((item) => recordOf(team, item)));
      return records;
    });
  }

  async note(team: string, keyId: string, facts: GroqKeyFacts): Promise<void> {
    await this.#update(team, keyId, facts, (name, value) => `${name} = ${value}`);
  }

  async noteOnce(team: string, keyId: string, facts: GroqKeyFacts): Promise<void> {
    await this.#update(team, keyId, facts, (name, value) => `${name} = if_not_exists(${name}, ${value})`);
  }

  async countProbe(team: string, keyId: string, isAccepted: boolean, atEpochMs: number): Promise<void> {
    await this.#send({
      Key: keyOf(team, keyId),
      UpdateExpression: 'SET probedAtEpochMs = :at ADD probes :one, probesRefused :refused',
      ExpressionAttributeValues: {
        ':at': { N: String(atEpochMs) },
        ':one': { N: '1' },
        ':refused': { N: isAccepted ? '0' : '1' },
      },
    });
  }

  async beginMaking(
    team: string,
    token: string,
    name: string,
    atEpochMs: number,
  ): Promise<KeyInMaking & { readonly isAgain: boolean }> {
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: {
        [PARTITION_KEY]: { S: partitionOf(team) },
        [SORT_KEY]: { S: `MAKING#${token}` },
        name: { S: name },
        atEpochMs: { N: String(atEpochMs) },
        [TTL_ATTRIBUTE]: { N: String(Math.floor(atEpochMs / 1000) + REMEMBER_MAKING_S) },
      },
      ConditionExpression: 'attribute_not_exists(#pk)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      await this.#client.send(command);
      return { name, atEpochMs, isAgain: false };
    } catch (cause) {
      if (!(cause instanceof ConditionalCheckFailedException))
        throw new RegistryError('cannot write what is known of Groq keys', { cause });
      return {
        name: cause.Item?.name?.S ?? name,
        atEpochMs: Number(cause.Item?.atEpochMs?.N ?? atEpochMs),
        isAgain: true,
      };
    }
  }

  async #update(
    team: string,
    keyId: string,
    facts: GroqKeyFacts,
    assign: (name: string, value: string) => string,
  ): Promise<void> {
    const names = Object.keys(facts) as (keyof GroqKeyFacts)[];
    const set = names.filter((name) => facts[name] != null);
    const removed = names.filter((name) => facts[name] === null);
    if (set.length + removed.length === 0) return;
    const clauses = [
      set.length === 0 ? '' : `SET ${set.map((name) => assign(`#${name}`, `:${name}`)).join(', ')}`,
      removed.length === 0 ? '' : `REMOVE ${removed.map((name) => `#${name}`).join(', ')}`,
    ];
    const values = set.map((name) => [`:${name}`, attributeOf(facts[name])]);
    await this.#send({
      Key: keyOf(team, keyId),
      UpdateExpression: clauses.join(' ').trim(),
      ExpressionAttributeNames: Object.fromEntries([...set, ...removed].map((name) => [`#${name}`, name])),
      ...(values.length === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(values) }),
    });
  }

  async #send(update: Omit<UpdateItemCommandInput, 'TableName'>): Promise<void> {
    await this.#try('write', async () => {
      await this.#client.send(new UpdateItemCommand({ TableName: this.#table, ...update }));
    });
  }

  async #try<T>(what: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      throw new RegistryError(`cannot ${what} what is known of Groq keys`, { cause });
    }
  }
}

function partitionOf(team: string): string {
  return `GROQKEYS#${team}`;
}

function keyOf(team: string, keyId: string): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: partitionOf(team) }, [SORT_KEY]: { S: `KEY#${keyId}` } };
}

function attributeOf(fact: string | number | null | undefined): AttributeValue {
  return typeof fact === 'number' ? { N: String(fact) } : { S: fact ?? '' };
}

/** Every attribute is called as the fact that it holds. */
function recordOf(team: string, item: Item): GroqKeyRecord {
  const { [PARTITION_KEY]: _partition, [SORT_KEY]: sortKey, probes, probesRefused, ...facts } = item;
  const values = Object.entries(facts).map(([name, { S, N }]) => [name, N === undefined ? S : Number(N)]);
  return {
    ...(Object.fromEntries(values) as GroqKeyFacts as Omit<
      GroqKeyRecord,
      'team' | 'keyId' | 'probes' | 'probesRefused'
    >),
    team,
    keyId: (sortKey?.S ?? '').replace('KEY#', ''),
    probes: Number(probes?.N ?? 0),
    probesRefused: Number(probesRefused?.N ?? 0),
  };
}
