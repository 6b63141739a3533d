import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';

/** How long it is remembered that a deployment passed, in seconds: 400 days. */
const KEEP_S = 400 * 86_400;

/** Which deployments have passed the check that follows them, in the canary's own part of the registry. */
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
    const ends = { N: String(Math.floor(this.#nowEpochMs() / 1000) + KEEP_S) };
    const Item = { ...itemKey(deployment), [TTL_ATTRIBUTE]: ends };
    await this.#client.send(new PutItemCommand({ TableName: this.#table, Item }));
  }
}

function itemKey(deployment: string) {
  return { [PARTITION_KEY]: { S: `TEAM#${CANARY_TEAM}` }, [SORT_KEY]: { S: `PASSED#${deployment}` } };
}
