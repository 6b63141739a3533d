import { join } from 'node:path';
import { isObject } from '../../../lambda/kernel/json-object.ts';
import { addUsd, type PicoUsd, picoUsdFromNumber } from '../../../lambda/kernel/money.ts';
import {
  type GatewayProcess,
  type GatewayProcessOptions,
  startGatewayProcess,
} from '../../../local/host/gateway-process.ts';
import type { LedgerFigures, Spender } from '../figures.ts';

/** How often a client looks whether a gateway runs again, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** Gateway processes on one ledger. */
export class Cluster {
  readonly #dir: string;
  readonly #options: GatewayProcessOptions;
  readonly #running = new Map<number, GatewayProcess>();

  constructor(dir: string, options: GatewayProcessOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** Starts one of the processes, or starts it again with the data it had. */
  async start(index: number): Promise<void> {
    const dataDir = join(this.#dir, `process-${index}`);
    this.#running.set(index, await startGatewayProcess({ ...this.#options, dataDir }));
  }

  /** Kills one of the processes outright. */
  async kill(index: number): Promise<void> {
    const process = this.#running.get(index);
    this.#running.delete(index);
    await process?.kill('SIGKILL');
    await process?.close();
  }

  /** The address for a call, in turn; waits while no process runs. */
  async addressOf(index: number): Promise<string> {
    return (await this.#oneOf(index)).baseUrl;
  }

  /** A team's key; any of the processes takes it. */
  async spender(team: string): Promise<Spender> {
    const process = await this.#oneOf(0);
    return { team, key: process.teams[team]?.key ?? '' };
  }

  /** How a team's ledger stands in the month that it is for these processes. */
  async ledgerOf({ key }: Spender): Promise<LedgerFigures> {
    return figuresOf(await this.#budget(key));
  }

  /** How all teams of the cluster stand together. */
  async organization(): Promise<LedgerFigures> {
    const { data } = await this.#budget((await this.#oneOf(0)).adminKey);
    const teams = (Array.isArray(data) ? data.filter(isObject) : []).map(figuresOf);
    const sum = (part: keyof LedgerFigures) => addUsd(...teams.map((figures) => figures[part]));
    return { spent: sum('spent'), held: sum('held'), assumed: sum('assumed'), overrun: sum('overrun') };
  }

  /** Lets what is in flight finish, and ends the processes. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map((process) => process.close()));
    this.#running.clear();
  }

  async #oneOf(index: number): Promise<GatewayProcess> {
    for (;;) {
      const running = [...this.#running.values()];
      const process = running[index % running.length];
      if (process !== undefined) return process;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async #budget(key: string): Promise<Readonly<Record<string, unknown>>> {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${(await this.#oneOf(0)).baseUrl}/openai/v1/budget`, { headers });
    const body: unknown = await response.json();
    if (response.status !== 200 || !isObject(body)) throw new Error(`the budget was answered by ${response.status}`);
    return body;
  }
}

/** Reads a ledger's totals from `GET /openai/v1/budget`. */
export function figuresOf(body: Readonly<Record<string, unknown>>): LedgerFigures {
  const read = (name: string): PicoUsd => picoUsdFromNumber(Number(body[name] ?? Number.NaN));
  return {
    spent: read('spent_usd'),
    held: read('held_usd'),
    assumed: read('assumed_usd'),
    overrun: read('overrun_usd'),
  };
}
