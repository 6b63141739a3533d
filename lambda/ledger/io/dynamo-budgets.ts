import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CACHE_MS } from '../../contract.ts';
import { mapInBatches } from '../../kernel/batches.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import type { PicoUsd } from '../../kernel/money.ts';
import { type Period, periodAt } from '../../kernel/period.ts';
import type { BudgetLedger } from '../budget-action.ts';
import type { OrganizationLedger } from '../organization-ledger.ts';
import type { Pause, Pauses } from '../pause.ts';
import type { LedgerKey } from '../ports.ts';
import type { LedgerState } from '../reservation.ts';
import { addTopUp, changeLimit, type TopUp } from '../top-ups.ts';
import { LedgerStore } from './ledger-store.ts';
import { OrganizationLeases } from './organization-leases.ts';

/**
 * The time around a month's end in which both months may be open, in milliseconds: deployments open the next month ten
 * minutes early, and clocks differ.
 */
const PERIOD_OVERLAP_MS = 3_600_000;
/** The time for which the ledger refuses a revoked key, in milliseconds: ten times the TTL of API Gateway's cache. */
const REVOCATION_TTL_MS = 10 * CACHE_MS;
/** The number of teams that are paused or resumed at the same time. */
const TEAM_CONCURRENCY = 32;

/** Changes of budgets and pauses in DynamoDB, by people and deployments, while calls continue. */
export class DynamoBudgets implements BudgetLedger {
  readonly #store: LedgerStore;
  readonly #leases: OrganizationLeases;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, tableName: string, nowEpochMs: () => number) {
    const table = new DynamoTable(client, tableName, 'ledger');
    this.#store = new LedgerStore(table, nowEpochMs);
    this.#leases = new OrganizationLeases(table, nowEpochMs);
    this.#nowEpochMs = nowEpochMs;
  }

  async read(key: LedgerKey): Promise<LedgerState | undefined> {
    return await this.#store.read(key);
  }

  async readOrganization(period: Period): Promise<OrganizationLedger | undefined> {
    return await this.#leases.read(period);
  }

  async readPauses(team: string): Promise<Pauses> {
    return await this.#store.readPauses(team);
  }

  /** Sets a period's limit, without its top-ups; opens the period if needed. */
  async setLimit(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void> {
    await this.#store.changeLimit(key, (state) => changeLimit(state, limitPicoUsd), limitPicoUsd);
    // A team without a policy at the last pause or resume of all teams gets it when it is published again.
    await this.#store.applyTeamControls(key);
  }

  async topUp(key: LedgerKey, limitPicoUsd: PicoUsd, topUp: TopUp): Promise<void> {
    await this.#store.changeLimit(key, (state) => addTopUp(state, topUp, this.#nowEpochMs()), limitPicoUsd);
  }

  /** Sets the organisation's cap in the same way. */
  async setCap(period: Period, cap: PicoUsd): Promise<void> {
    await this.#leases.changeLimit(period, (state) => changeLimit(state, cap), cap);
  }

  async topUpCap(period: Period, cap: PicoUsd, topUp: TopUp): Promise<void> {
    await this.#leases.changeLimit(period, (state) => addTopUp(state, topUp, this.#nowEpochMs()), cap);
  }

  async setPause(team: string, pause: Pause | undefined): Promise<void> {
    // Controls first: periods opened from now on get them, and open periods get them next.
    await this.#store.controls.update(team, (controls) => ({ ...controls, pause }));
    await this.#applyToOpenPeriods(team);
  }

  async setPauseForAll(pause: Pause | undefined, listTeams: () => Promise<ReadonlySet<string>>): Promise<void> {
    await this.#store.controls.update(undefined, (controls) => ({ ...controls, pause }));
    // Listed only now: a team that is published later is opened with these controls.
    await mapInBatches([...(await listTeams())], TEAM_CONCURRENCY, async (team) => {
      // Increments the version, so that a concurrent opening of a period fails and reads the controls of all teams again.
      await this.#store.controls.update(team, (controls) => controls);
      await this.#applyToOpenPeriods(team);
    });
  }

  async revokeKey(team: string, keyId: string): Promise<void> {
    const nowEpochMs = this.#nowEpochMs();
    await this.#store.controls.update(team, (controls) => {
      const remaining = [...controls.revoked].filter(([, untilMs]) => untilMs > nowEpochMs);
      return { ...controls, revoked: new Map(remaining).set(keyId, nowEpochMs + REVOCATION_TTL_MS) };
    });
    await this.#applyToOpenPeriods(team);
  }

  async #applyToOpenPeriods(team: string): Promise<void> {
    const nowEpochMs = this.#nowEpochMs();
    const times = [nowEpochMs - PERIOD_OVERLAP_MS, nowEpochMs, nowEpochMs + PERIOD_OVERLAP_MS];
    // A period that is not open yet is opened with the controls.
    for (const period of new Set(times.map(periodAt))) await this.#store.applyTeamControls({ team, period });
  }
}
