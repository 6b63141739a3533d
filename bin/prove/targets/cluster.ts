import { join } from 'node:path';
import { isObject } from '../../../lambda/kernel/json/json-object.ts';
import { addUsd, type PicoUsd, picoUsdFromNumber } from '../../../lambda/kernel/money.ts';
import {
  type GatewayProcess,
  type GatewayProcessOptions,
  startGatewayProcess,
} from '../../../local/host/gateway-process.ts';
import type { LedgerTotals, TeamCredential } from '../figures.ts';

const POLL_INTERVAL_MS = 50;

/** Gateway processes on one ledger. */
export class Cluster {
  readonly #dir: string;
  readonly #options: GatewayProcessOptions;
  readonly #running = new Map<number, GatewayProcess>();

  constructor(dir: string, options: GatewayProcessOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** Starts one of the processes, or restarts it with its data. */
  async start(index: number): Promise<void> {
    const dataDir = join(this.#dir, `process-${index}`);
    this.#running.set(index, await startGatewayProcess({ ...this.#options, dataDir }));
  }

  /** Kills one of the processes with SIGKILL. */
  async kill(index: number): Promise<void> {
    const process = this.#running.get(index);
    this.#running.delete(index);
    await process?.kill('SIGKILL');
    await process?.close();
  }

  /** Returns the address for a call, round robin; waits while no process runs. */
  async nextAddress(index: number): Promise<string> {
    return (await this.#pickProcess(index)).baseUrl;
  }

  /** A team's key, which every process accepts. */
  async teamCredential(team: string): Promise<TeamCredential> {
    const process = await this.#pickProcess(0);
    return { team, key: process.teams[team]?.key ?? '' };
  }

  /** Reads a team's ledger of the month that is current for these processes. */
  async readLedger({ key }: TeamCredential): Promise<LedgerTotals> {
    return parseLedgerTotals(await this.#budget(key));
  }

  /** Reads the sum of all teams' ledgers. */
  async organization(): Promise<LedgerTotals> {
    const { data } = await this.#budget((await this.#pickProcess(0)).adminKey);
    const teams = (Array.isArray(data) ? data.filter(isObject) : []).map(parseLedgerTotals);
    const sum = (field: keyof LedgerTotals) => addUsd(...teams.map((totals) => totals[field]));
    return {
      spentPicoUsd: sum('spentPicoUsd'),
      reservedPicoUsd: sum('reservedPicoUsd'),
      assumedPicoUsd: sum('assumedPicoUsd'),
      overrunPicoUsd: sum('overrunPicoUsd'),
    };
  }

  /** Ends the processes after their calls in flight. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map((process) => process.close()));
    this.#running.clear();
  }

  async #pickProcess(index: number): Promise<GatewayProcess> {
    for (;;) {
      const running = [...this.#running.values()];
      const process = running[index % running.length];
      if (process !== undefined) return process;
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  }

  async #budget(key: string): Promise<Readonly<Record<string, unknown>>> {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${(await this.#pickProcess(0)).baseUrl}/openai/v1/budget`, { headers });
    const body: unknown = await response.json();
    if (response.status !== 200 || !isObject(body))
      throw new Error(`GET /openai/v1/budget returned ${response.status}`);
    return body;
  }
}

/** Reads a ledger's totals from `GET /openai/v1/budget`. */
export function parseLedgerTotals(body: Readonly<Record<string, unknown>>): LedgerTotals {
  const read = (name: string): PicoUsd => picoUsdFromNumber(Number(body[name] ?? Number.NaN));
  return {
    spentPicoUsd: read('spent_usd'),
    reservedPicoUsd: read('held_usd'),
    assumedPicoUsd: read('assumed_usd'),
    overrunPicoUsd: read('overrun_usd'),
  };
}
