import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CACHE_MS } from '../../contract.ts';
import { mapInBatches } from '../../kernel/batches.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import type { PicoUsd } from '../../kernel/money.ts';
import { type Period, periodAt } from '../../kernel/period.ts';
import type { BudgetLedger } from '../budget-operations.ts';
import type { OrganizationLedger } from '../organization-ledger.ts';
import type { Pause, Pauses } from '../pause.ts';
import type { LedgerKey } from '../ports.ts';
import type { LedgerState } from '../reservation.ts';
import { addTopUp, changeLimit, type TopUp } from '../top-ups.ts';
import { LedgerStore } from './ledger-store.ts';
import { OrganizationLeases } from './organization-leases.ts';

/**
 * How long around a month's end both months may be open, in milliseconds: deployments open the next one ten minutes early,
 * and clocks differ.
 */
const PERIOD_OVERLAP_MS = 3_600_000;
/** How long a revoked key is refused by the ledger itself, in milliseconds: ten times what API Gateway may go on taking it. */
const REVOCATION_TTL_MS = 10 * CACHE_MS;
/** How many teams are paused or resumed at once. */
const TEAM_CONCURRENCY = 32;

/** What people and deployments do to budgets in DynamoDB; calls go on meanwhile. */
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

  /** Gives a period a limit, beside its top-ups: opens it, or moves what is available by the difference. */
  async setLimit(key: LedgerKey, limitPicoUsd: PicoUsd): Promise<void> {
    await this.#store.changeLimit(key, (state) => changeLimit(state, limitPicoUsd), limitPicoUsd);
    // A team that was gone when all were paused or resumed learns of it when it is published again.
    await this.#store.applyTeamControls(key);
  }

  async topUp(key: LedgerKey, limitPicoUsd: PicoUsd, topUp: TopUp): Promise<void> {
    await this.#store.changeLimit(key, (state) => addTopUp(state, topUp, this.#nowEpochMs()), limitPicoUsd);
  }

  /** The same as setLimit, for the organisation's cap. */
  async setCap(period: Period, cap: PicoUsd): Promise<void> {
    await this.#leases.changeLimit(period, (state) => changeLimit(state, cap), cap);
  }

  async topUpCap(period: Period, cap: PicoUsd, topUp: TopUp): Promise<void> {
    await this.#leases.changeLimit(period, (state) => addTopUp(state, topUp, this.#nowEpochMs()), cap);
  }

  async setPause(team: string, pause: Pause | undefined): Promise<void> {
    // What stands comes first: a period that is opened from now on has it, and those that are open get it next.
    await this.#store.controls.update(team, (controls) => ({ ...controls, pause }));
    await this.#applyToOpenPeriods(team);
  }

  async setPauseForAll(pause: Pause | undefined, listTeams: () => Promise<ReadonlySet<string>>): Promise<void> {
    await this.#store.controls.update(undefined, (controls) => ({ ...controls, pause }));
    // Named only now: a team that is published later is opened with what stands.
    await mapInBatches([...(await listTeams())], TEAM_CONCURRENCY, async (team) => {
      // Only its version: a period that is being opened is opened anew, with what stands for all.
      await this.#store.controls.update(team, (controls) => controls);
      await this.#applyToOpenPeriods(team);
    });
  }

  async revokeKey(team: string, keyId: string): Promise<void> {
    const nowEpochMs = this.#nowEpochMs();
    await this.#store.controls.update(team, (controls) => {
      const lasting = [...controls.revoked].filter(([, untilMs]) => untilMs > nowEpochMs);
      return { ...controls, revoked: new Map(lasting).set(keyId, nowEpochMs + REVOCATION_TTL_MS) };
    });
    await this.#applyToOpenPeriods(team);
  }

  async #applyToOpenPeriods(team: string): Promise<void> {
    const nowEpochMs = this.#nowEpochMs();
    const times = [nowEpochMs - PERIOD_OVERLAP_MS, nowEpochMs, nowEpochMs + PERIOD_OVERLAP_MS];
    // A period that is not open has nothing to be written to, and will be opened with what stands.
    for (const period of new Set(times.map(periodAt))) await this.#store.applyTeamControls({ team, period });
  }
}
