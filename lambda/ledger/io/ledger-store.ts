import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { TTL_ATTRIBUTE } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { pauseUpTo } from '../../kernel/io/retry.ts';
import type { PicoUsd } from '../../kernel/money.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import type { Pause, Pauses } from '../pause.ts';
import type { LedgerKey } from '../ports.ts';
import type { LedgerState } from '../reservation.ts';
import {
  ledgerItemKey,
  ORGANIZATION_PARTITION,
  parseLedgerState,
  parsePause,
  parseRevokedKeys,
  pauseValue,
  revokedValue,
  teamControlsItemKey,
  teamPartitionKey,
} from './ledger-item.ts';
import { limitWrite } from './limit-writes.ts';
import type { LedgerWrite } from './update-expressions.ts';

/** What a person has decided of a holder, beyond its periods. */
export type TeamControls = {
  readonly pause: Pause | undefined;
  /** Keys that were revoked lately, and until when, in epoch milliseconds, callers may still come with them. */
  readonly revoked: ReadonlyMap<string, number>;
};

type VersionedTeamControls = TeamControls & { readonly version: number };

/** How often a write is tried that meets a transaction on its item, and how long it waits, in milliseconds, at first. */
const MAX_CONFLICT_TRIES = 6;
const CONFLICT_BACKOFF_MS = 20;
/** How long a ledger item is kept after its last period began, in seconds: 400 days, as the audit is. */
export const LEDGER_RETENTION_S = 400 * 86_400;
/** How often a limit is changed while others change it too. */
const MAX_CHANGE_TRIES = 12;

/** A team's ledger items in DynamoDB: reading them, writing them under a condition, opening a period. */
export class LedgerStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #nowEpochMs: () => number;
  /** The periods that this process is opening: a crowd that finds none opens it once. */
  readonly #opening = new Map<string, Promise<void>>();

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
  }

  /** The whole ledger, its open reservations included; for half the price as it stood a moment ago. */
  async read(key: LedgerKey, isConsistent = true): Promise<LedgerState | undefined> {
    try {
      const item = await this.#get(ledgerItemKey(key), isConsistent);
      return item === undefined ? undefined : parseLedgerState(item);
    } catch (cause) {
      throw new StoreError('ledger', `cannot read the ledger of ${key.team}`, { cause });
    }
  }

  /** Makes one conditional write; when its condition fails, tells the item as it stands, or undefined for none. */
  async write(key: LedgerKey, write: LedgerWrite): Promise<{ written: Item } | { current: LedgerState | undefined }> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: ledgerItemKey(key),
      ...write,
      ReturnValues: 'UPDATED_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      const { Attributes } = await this.#sendWithConflictRetry(command);
      return { written: Attributes ?? {} };
    } catch (cause) {
      if (cause instanceof ConditionalCheckFailedException)
        return { current: cause.Item === undefined ? undefined : parseLedgerState(cause.Item) };
      throw new StoreError('ledger', `cannot write the ledger of ${key.team}`, { cause });
    }
  }

  /** Changes a ledger's limit or top-ups by a pure function, whatever happens beside it; false where there is no ledger. */
  async changeLimit(key: LedgerKey, change: (state: LedgerState) => LedgerState): Promise<boolean> {
    for (let tries = 1; tries <= MAX_CHANGE_TRIES; tries++) {
      const state = await this.read(key);
      if (state === undefined) return false;
      const changed = change(state);
      if (changed === state || (changed.limitPicoUsd === state.limitPicoUsd && changed.topUps === state.topUps))
        return true;
      if ('written' in (await this.write(key, limitWrite(state, changed)))) return true;
    }
    throw new StoreError('ledger', `the budget of ${key.team} kept changing for ${MAX_CHANGE_TRIES} tries`);
  }

  /**
   * Creates a period's item with its budget and the pauses that stand, unless another process just has. Whoever pauses
   * first changes what stands, and then the periods that are open: so this either sees the pause or is seen by it.
   */
  async openPeriod(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void> {
    const name = `${key.team} ${key.period}`;
    const opening = this.#opening.get(name) ?? this.#open(key, limitPicoUsd).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    await opening;
  }

  async #open(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void> {
    try {
      const { own, all } = await this.#readControlsFor(key.team);
      const { UpdateExpression, values, names } = openingWrite(limitPicoUsd, own, all, this.#nowEpochMs());
      const command = new TransactWriteItemsCommand({
        TransactItems: [
          {
            ConditionCheck: {
              TableName: this.#table,
              Key: teamControlsItemKey(teamPartitionKey(key.team)),
              ...versionCondition(own.version),
            },
          },
          {
            Update: {
              TableName: this.#table,
              Key: ledgerItemKey(key),
              UpdateExpression,
              ConditionExpression: 'attribute_not_exists(#limit)',
              ExpressionAttributeNames: names,
              ExpressionAttributeValues: values,
            },
          },
        ],
      });
      await this.#client.send(command);
    } catch (cause) {
      // Another was quicker, or what stands has just changed: the caller looks again.
      if (!(cause instanceof TransactionCanceledException))
        throw new StoreError('ledger', `cannot open the ledger of ${key.team}`, { cause });
      await pauseUpTo(CONFLICT_BACKOFF_MS);
    }
  }

  /**
   * Writes what stands for a team, and for all, into an open period; a period that has learnt of something newer keeps it.
   * So whoever changes what stands, in whatever order, the last change is what periods end with.
   */
  async applyTeamControls(key: LedgerKey): Promise<void> {
    for (let tries = 1; tries <= MAX_CHANGE_TRIES; tries++) {
      const { own, all } = await this.#readControlsFor(key.team);
      const result = await this.write(key, teamControlsWrite(own, all));
      if ('written' in result || result.current === undefined) return;
      // Someone has read one of the two later, and perhaps the other earlier.
      await pauseUpTo(CONFLICT_BACKOFF_MS * tries);
    }
    throw new StoreError('ledger', `what stands for ${key.team} kept changing for ${MAX_CHANGE_TRIES} tries`);
  }

  /** Applies what stands where a ledger has not learnt of it, because whoever changed it died in the middle. */
  async repairTeamControls(key: LedgerKey, { pauses, revoked }: LedgerState): Promise<void> {
    const { own, all } = await this.#readControlsFor(key.team);
    const isSame =
      isSamePause(pauses.team, own.pause) &&
      isSamePause(pauses.organization, all.pause) &&
      [...own.revoked.keys()].every((keyId) => revoked.has(keyId));
    if (!isSame) await this.applyTeamControls(key);
  }

  /** The pauses that stand for a team. */
  async readPauses(team: string): Promise<Pauses> {
    const { own, all } = await this.#readControlsFor(team);
    return { team: own.pause, organization: all.pause };
  }

  /** Changes what stands for a holder, whatever changes it beside. */
  async updateTeamControls(holder: string, change: (controls: TeamControls) => TeamControls): Promise<void> {
    for (let tries = 1; tries <= MAX_CHANGE_TRIES; tries++) {
      const { version, ...before } = await this.#readTeamControls(holder);
      const { pause, revoked } = change(before);
      const { ConditionExpression, ExpressionAttributeValues } = versionCondition(version);
      // An update, as of a ledger: nobody has the right to put one whole in place of another.
      const command = new UpdateItemCommand({
        TableName: this.#table,
        Key: teamControlsItemKey(holder),
        UpdateExpression: `SET version = :next, revoked = :revoked${pause === undefined ? ' REMOVE pause' : ', pause = :pause'}`,
        ConditionExpression,
        ExpressionAttributeValues: {
          ...ExpressionAttributeValues,
          ':next': { N: String(version + 1) },
          ':revoked': revokedValue(revoked),
          ...(pause === undefined ? {} : { ':pause': pauseValue(pause) }),
        },
      });
      try {
        await this.#client.send(command);
        return;
      } catch (cause) {
        const hasLostRace =
          cause instanceof ConditionalCheckFailedException || cause instanceof TransactionConflictException;
        if (!hasLostRace) throw new StoreError('ledger', `cannot write what stands for ${holder}`, { cause });
        await pauseUpTo(CONFLICT_BACKOFF_MS * tries);
      }
    }
    throw new StoreError('ledger', `what stands for ${holder} kept changing for ${MAX_CHANGE_TRIES} tries`);
  }

  /** What stands for a team, and of what stands for all what stands for it too. */
  async #readControlsFor(
    team: string,
  ): Promise<{ readonly own: VersionedTeamControls; readonly all: VersionedTeamControls }> {
    const [own, all] = [
      await this.#readTeamControls(teamPartitionKey(team)),
      await this.#readTeamControls(ORGANIZATION_PARTITION),
    ];
    // A deployment's check must find its own team stopped by its budget alone.
    return { own, all: team === CANARY_TEAM ? { ...all, pause: undefined } : all };
  }

  async #readTeamControls(holder: string): Promise<VersionedTeamControls> {
    try {
      const item = await this.#get(teamControlsItemKey(holder));
      return {
        pause: parsePause(item?.pause),
        revoked: parseRevokedKeys(item?.revoked),
        version: Number(item?.version?.N ?? 0),
      };
    } catch (cause) {
      throw new StoreError('ledger', `cannot read what stands for ${holder}`, { cause });
    }
  }

  async #get(Key: Record<string, AttributeValue>, ConsistentRead = true): Promise<Item | undefined> {
    return (await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead }))).Item;
  }

  /** Sends a write; one that meets a lease on its way to the same item is refused by DynamoDB, and tried again. */
  async #sendWithConflictRetry(command: UpdateItemCommand) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#client.send(command);
      } catch (error) {
        if (!(error instanceof TransactionConflictException) || tries >= MAX_CONFLICT_TRIES) throw error;
        await pauseUpTo(CONFLICT_BACKOFF_MS * tries);
      }
    }
  }
}

function isSamePause(a: Pause | undefined, b: Pause | undefined): boolean {
  return a?.reason === b?.reason && a?.untilEpochMs === b?.untilEpochMs;
}

function teamControlsWrite(own: VersionedTeamControls, all: VersionedTeamControls): LedgerWrite {
  const pauses = [
    { name: 'paused', pause: own.pause },
    { name: 'pausedAll', pause: all.pause },
  ];
  const removed = pauses.filter(({ pause }) => pause === undefined).map(({ name }) => `#${name}`);
  const set = pauses.flatMap(({ name, pause }) => (pause === undefined ? [] : [[name, pauseValue(pause)] as const]));
  return {
    UpdateExpression: `SET ${['#revoked = :revoked', '#ownVersion = :own', '#allVersion = :all', ...set.map(([name]) => `#${name} = :${name}`)].join(', ')}${removed.length === 0 ? '' : ` REMOVE ${removed.join(', ')}`}`,
    ConditionExpression:
      'attribute_exists(#limit) AND (attribute_not_exists(#ownVersion) OR (#ownVersion <= :own AND #allVersion <= :all))',
    ExpressionAttributeNames: {
      '#limit': 'limit',
      '#revoked': 'revoked',
      '#ownVersion': 'ownVersion',
      '#allVersion': 'allVersion',
      '#paused': 'paused',
      '#pausedAll': 'pausedAll',
    },
    ExpressionAttributeValues: {
      ':revoked': revokedValue(own.revoked),
      ':own': { N: String(own.version) },
      ':all': { N: String(all.version) },
      ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
    },
  };
}

function versionCondition(version: number) {
  return version === 0
    ? { ConditionExpression: 'attribute_not_exists(version)' }
    : { ConditionExpression: 'version = :version', ExpressionAttributeValues: { ':version': { N: String(version) } } };
}

function openingWrite(
  limitPicoUsd: PicoUsd,
  own: VersionedTeamControls,
  all: VersionedTeamControls,
  nowEpochMs: number,
) {
  const zeros = ['reserved', 'leased', 'spent', 'assumed', 'overrun', 'rpmTat', 'tpmTat'];
  const attributes: Record<string, AttributeValue> = {
    limit: { N: String(limitPicoUsd) },
    available: { N: String(limitPicoUsd) },
    open: { M: {} },
    lapsed: { M: {} },
    topUps: { M: {} },
    keys: { M: {} },
    revoked: revokedValue(own.revoked),
    ...(own.pause === undefined ? {} : { paused: pauseValue(own.pause) }),
    ...(all.pause === undefined ? {} : { pausedAll: pauseValue(all.pause) }),
    ownVersion: { N: String(own.version) },
    allVersion: { N: String(all.version) },
    [TTL_ATTRIBUTE]: { N: String(Math.floor(nowEpochMs / 1000) + LEDGER_RETENTION_S) },
    ...Object.fromEntries(zeros.map((name) => [name, { N: '0' }])),
  };
  const fields = Object.entries(attributes);
  return {
    UpdateExpression: `SET ${fields.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    names: Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(fields.map(([name, value]) => [`:${name}`, value])),
  };
}
