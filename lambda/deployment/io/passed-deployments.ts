import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';

/** Lifetime of a record: 400 days. */
const TTL_S = 400 * 86_400;

/** Records of the deployments that have passed the canary, in the canary's partition of the registry. */
export class PassedDeployments {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
  }

  async has(deployment: string): Promise<boolean> {
    const { Item } = await this.#client.send(new GetItemCommand({ TableName: this.#table, Key: itemKey(deployment) }));
    return Item !== undefined;
  }

  async add(deployment: string): Promise<void> {
    const ends = { N: String(Math.floor(this.#nowEpochMs() / 1000) + TTL_S) };
    const Item = { ...itemKey(deployment), [TTL_ATTRIBUTE]: ends };
    await this.#client.send(new PutItemCommand({ TableName: this.#table, Item }));
  }
}

function itemKey(deployment: string) {
  return { [PARTITION_KEY]: { S: `TEAM#${CANARY_TEAM}` }, [SORT_KEY]: { S: `PASSED#${deployment}` } };
}
