import type { DynamoTable, Item } from '../../kernel/io/dynamo-table.ts';
import { RETRY_NOW } from '../../kernel/io/retry.ts';
import type { PicoUsd } from '../../kernel/money.ts';
import type { Pause, Pauses } from '../pause.ts';
import type { LedgerKey } from '../ports.ts';
import type { LedgerState, LedgerView } from '../reservation.ts';
import { LedgerCache } from './ledger-cache.ts';
import { ledgerItemKey, parseLedgerState, parseUpdatedView, teamPartitionKey } from './ledger-item.ts';
import { teamControlsItemKey } from './team-controls-item.ts';
import { TeamControlsStore } from './team-controls-store.ts';
import { limitWrite } from './writes/limit-writes.ts';
import { openingWrite } from './writes/opening-write.ts';
import { applyControlsWrite, versionCondition } from './writes/team-controls-writes.ts';
import type { LedgerWrite } from './writes/update-expressions.ts';

/** Attempts at a change that other writers of the same item keep invalidating. */
const MAX_ATTEMPTS = 12;

/** The outcome of a conditional write: the new totals, or the item that failed the condition, undefined for none. */
export type LedgerWriteOutcome = { readonly view: LedgerView } | { readonly current: LedgerState | undefined };

/** The ledger items of teams in DynamoDB: reads, conditional writes, and the opening of periods. */
export class LedgerStore {
  readonly controls: TeamControlsStore;
  readonly cache: LedgerCache;
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;
  /** The periods that this process is opening: concurrent calls share one attempt. */
  readonly #opening = new Map<string, Promise<void>>();

  constructor(table: DynamoTable, nowEpochMs: () => number) {
    this.controls = new TeamControlsStore(table);
    this.cache = new LedgerCache(nowEpochMs);
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
  }

  /** Reads the whole ledger, its open reservations included. An eventually consistent read costs half as much. */
  async read(key: LedgerKey, isConsistent = true): Promise<LedgerState | undefined> {
    const purpose = `read the ledger of ${key.team}`;
    const item = await this.#table.get(purpose, ledgerItemKey(key), { ConsistentRead: isConsistent });
    return item === undefined ? undefined : this.cache.remember(key, parseLedgerState(item));
  }

  /** Makes one conditional write. */
  async write(key: LedgerKey, write: LedgerWrite): Promise<LedgerWriteOutcome> {
    const outcome = await this.#table.update(`write the ledger of ${key.team}`, ledgerItemKey(key), {
      ...write,
      ReturnValues: 'UPDATED_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    if ('written' in outcome) {
      const view = parseUpdatedView(outcome.written);
      // A write that does not return every total is no view of the ledger.
      return { view: hasEveryTotal(outcome.written) ? this.cache.remember(key, view) : view };
    }
    if (outcome.current === undefined) return { current: undefined };
    return { current: this.cache.remember(key, parseLedgerState(outcome.current)) };
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
      const outcome = await this.write(key, limitWrite(state, changed));
      this.cache.forget(key);
      return 'view' in outcome ? true : undefined;
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
    const ControlsKey = teamControlsItemKey(teamPartitionKey(key.team));
    await this.#table.retry(purpose, MAX_ATTEMPTS, async () => {
      const controls = await this.controls.read(key.team);
      const outcome = await this.#table.transact(purpose, [
        { Update: { Key: ledgerItemKey(key), ...openingWrite(limitPicoUsd, controls, this.#nowEpochMs()) } },
        { ConditionCheck: { Key: ControlsKey, ...versionCondition(controls.own.version) } },
      ]);
      // A failed condition of the first part: the period is open.
      return 'written' in outcome || outcome.failedConditions.has(0) ? true : undefined;
    });
  }

  /**
   * Copies the team's controls into an open period, unless that has copied newer ones. So the last change wins, in
   * whatever order concurrent changes are applied.
   */
  async applyTeamControls(key: LedgerKey): Promise<void> {
    await this.#table.retry(`apply the controls of ${key.team}`, MAX_ATTEMPTS, async () => {
      const outcome = await this.write(key, applyControlsWrite(await this.controls.read(key.team)));
      // A failed condition: another process has applied a newer version of one control, and perhaps an older of the other.
      return 'view' in outcome || outcome.current === undefined ? true : undefined;
    });
  }

  /** Applies controls that a period lacks because the process that changed them died in between. */
  async repairTeamControls(key: LedgerKey, { pauses, revoked }: LedgerState): Promise<void> {
    const { own, all } = await this.controls.read(key.team);
    const isSame =
      isSamePause(pauses.team, own.pause) &&
      isSamePause(pauses.organization, all.pause) &&
      [...own.revoked.keys()].every((keyId) => revoked.has(keyId));
    if (!isSame) await this.applyTeamControls(key);
  }

  /** Reads the pauses that a period of the team is opened with. */
  async readPauses(team: string): Promise<Pauses> {
    const { own, all } = await this.controls.read(team);
    return { team: own.pause, organization: all.pause };
  }
}

function hasEveryTotal(attributes: Item): boolean {
  return ['limit', 'available', 'leased', 'reserved', 'spent', 'rpmTat', 'tpmTat'].every((name) => name in attributes);
}

function isSamePause(a: Pause | undefined, b: Pause | undefined): boolean {
  return a?.reason === b?.reason && a?.untilEpochMs === b?.untilEpochMs;
}
