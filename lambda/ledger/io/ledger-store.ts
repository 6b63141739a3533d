import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { TTL_ATTRIBUTE } from '../../contract.ts';
import type { DynamoTable, Item } from '../../kernel/io/dynamo-table.ts';
import { RETRY_NOW } from '../../kernel/io/retry.ts';
import type { PicoUsd } from '../../kernel/money.ts';
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

/** How long a ledger item is kept after its last period began, in seconds: 400 days, as the audit is. */
export const LEDGER_RETENTION_S = 400 * 86_400;
/** Attempts at a change that other writers of the same item keep invalidating. */
const MAX_ATTEMPTS = 12;

/** A team's ledger items in DynamoDB: reading them, writing them under a condition, opening a period. */
export class LedgerStore {
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;
  /** The periods that this process is opening: concurrent calls share one attempt. */
  readonly #opening = new Map<string, Promise<void>>();

  constructor(table: DynamoTable, nowEpochMs: () => number) {
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
  }

  /** Reads the whole ledger, its open reservations included. An eventually consistent read costs half as much. */
  async read(key: LedgerKey, isConsistent = true): Promise<LedgerState | undefined> {
    const purpose = `read the ledger of ${key.team}`;
    const item = await this.#table.get(purpose, ledgerItemKey(key), { ConsistentRead: isConsistent });
    return item === undefined ? undefined : parseLedgerState(item);
  }

  /** Makes one conditional write; when its condition fails, returns the current item, or undefined for none. */
  async write(key: LedgerKey, write: LedgerWrite): Promise<{ written: Item } | { current: LedgerState | undefined }> {
    const outcome = await this.#table.update(`write the ledger of ${key.team}`, ledgerItemKey(key), {
      ...write,
      ReturnValues: 'UPDATED_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    if ('written' in outcome) return outcome;
    return { current: outcome.current === undefined ? undefined : parseLedgerState(outcome.current) };
  }

  /**
   * Changes a ledger's limit or top-ups by a pure function, with an optimistic lock. A period that is not open yet is
   * opened with `openingLimitPicoUsd`, or left alone without one.
   */
  async changeLimit(
    key: LedgerKey,
    change: (state: LedgerState) => LedgerState,
    openingLimitPicoUsd?: PicoUsd,
  ): Promise<void> {
    await this.#table.retry(`change the budget of ${key.team}`, MAX_ATTEMPTS, async () => {
      const state = await this.read(key);
      if (state === undefined) {
        if (openingLimitPicoUsd === undefined) return true;
        await this.openPeriod(key, openingLimitPicoUsd);
        return RETRY_NOW;
      }
      const changed = change(state);
      if (changed.limitPicoUsd === state.limitPicoUsd && changed.topUps === state.topUps) return true;
      return 'written' in (await this.write(key, limitWrite(state, changed))) ? true : undefined;
    });
  }

  /** Creates a period's item with its budget and the team's controls, unless another process just has. */
  async openPeriod(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void> {
    const name = `${key.team} ${key.period}`;
    const opening = this.#opening.get(name) ?? this.#open(key, limitPicoUsd).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    await opening;
  }

  /**
   * The transaction checks the version of the controls. A pause changes the controls first and then the open periods, so
   * either this period is opened with the pause, or the pause finds the period open.
   */
  async #open(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void> {
    const purpose = `open the ledger of ${key.team}`;
    await this.#table.retry(purpose, MAX_ATTEMPTS, async () => {
      const { own, all } = await this.#readControlsFor(key.team);
      const opening = openingWrite(limitPicoUsd, own, all, this.#nowEpochMs());
      const outcome = await this.#table.transact(purpose, [
        { Update: { Key: ledgerItemKey(key), ...opening } },
        { ConditionCheck: { Key: teamControlsItemKey(teamPartitionKey(key.team)), ...versionCondition(own.version) } },
      ]);
      // A failed condition of the first part: the period is open.
      return 'written' in outcome || outcome.failedConditions.has(0) ? true : undefined;
    });
  }

  /**
   * Writes what stands for a team, and for all, into an open period; a period that has learnt of something newer keeps it.
   * So whoever changes what stands, in whatever order, the last change is what periods end with.
   */
  async applyTeamControls(key: LedgerKey): Promise<void> {
    await this.#table.retry(`apply the controls of ${key.team}`, MAX_ATTEMPTS, async () => {
      const { own, all } = await this.#readControlsFor(key.team);
      const outcome = await this.write(key, teamControlsWrite(own, all));
      return 'written' in outcome || outcome.current === undefined ? true : undefined;
    });
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
    const purpose = `write the controls of ${holder}`;
    await this.#table.retry(purpose, MAX_ATTEMPTS, async () => {
      const { version, ...before } = await this.#readTeamControls(holder);
      const { pause, revoked } = change(before);
      const { ConditionExpression, ExpressionAttributeValues } = versionCondition(version);
      // An update, because no role may put a whole item.
      const outcome = await this.#table.update(purpose, teamControlsItemKey(holder), {
        UpdateExpression: `SET version = :next, revoked = :revoked${pause === undefined ? ' REMOVE pause' : ', pause = :pause'}`,
        ConditionExpression,
        ExpressionAttributeValues: {
          ...ExpressionAttributeValues,
          ':next': { N: String(version + 1) },
          ':revoked': revokedValue(revoked),
          ...(pause === undefined ? {} : { ':pause': pauseValue(pause) }),
        },
      });
      return 'written' in outcome ? true : undefined;
    });
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
    const item = await this.#table.get(`read the controls of ${holder}`, teamControlsItemKey(holder));
    return {
      pause: parsePause(item?.pause),
      revoked: parseRevokedKeys(item?.revoked),
      version: Number(item?.version?.N ?? 0),
    };
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
): LedgerWrite {
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
    ConditionExpression: 'attribute_not_exists(#limit)',
    ExpressionAttributeNames: Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(fields.map(([name, value]) => [`:${name}`, value])),
  };
}
