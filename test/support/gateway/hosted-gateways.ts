import { randomUUID } from 'node:crypto';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { vi } from 'vitest';
import { DynamoKeyStore } from '../../../lambda/access/io/dynamo-key-store.ts';
import { mintKey } from '../../../lambda/access/io/gateway-key.ts';
import { RecentOutputs } from '../../../lambda/chat/recent-outputs.ts';
import { Headroom } from '../../../lambda/groq/headroom.ts';
import { GroqKeys } from '../../../lambda/groq/io/groq-keys.ts';
import { GroqUpstream } from '../../../lambda/groq/io/groq-upstream.ts';
import { createAuthorizer } from '../../../lambda/http/io/authorizer.ts';
import { systemClock } from '../../../lambda/kernel/io/system.ts';
import { type PicoUsd, picoUsd } from '../../../lambda/kernel/money.ts';
import { periodAt } from '../../../lambda/kernel/period.ts';
import { DynamoLedger } from '../../../lambda/ledger/io/dynamo-ledger.ts';
import type { LedgerState } from '../../../lambda/ledger/reservation.ts';
import { type EnvironmentFile, parseEnvironment } from '../../../lambda/policy/environment.ts';
import { ensureTable } from '../../../local/dynamodb/tables.ts';
import { type FakeGroq, type FakeGroqOptions, startFakeGroq } from '../../../local/fake-groq/server.ts';
import { type HostedFunctions, startHost } from '../../../local/host/host.ts';
import { catalog } from '../catalog.ts';
import { RealLedger } from '../ledger/real-ledger.ts';
import type { TestDatabase } from '../ledger/test-database.ts';
import { computeBill } from './fake-bill.ts';
import { NO_OP_USAGE_PORTS } from './gateway-in-process.ts';

const { createGatewayHandler } = await import('../../../lambda/http/io/gateway-handler.ts');

/** The default model of hosted teams. */
export const MODEL = 'openai/gpt-oss-20b';

/** A whole HTTP response. */
export type HttpResponse = { readonly status: number; readonly headers: Headers; readonly text: string };

/** Props of hosted gateways. */
export type HostedOptions = {
  /** Fields of each team's policy; the others have generous defaults. */
  readonly teams: Readonly<Record<string, Partial<EnvironmentFile['teams'][string]>>>;
  readonly organization?: EnvironmentFile['organization'];
  /** The number of gateways that share the ledger. Like processes, they have only the table in common. @default 1 */
  readonly replicas?: number;
  readonly fake?: FakeGroqOptions;
};

/** HTTP gateways in this process: the deployed handlers on the embedded DynamoDB, with a fake Groq of their own. */
export class HostedGateways {
  readonly fake: FakeGroq;
  readonly ledger: RealLedger;
  readonly #database: TestDatabase;
  readonly table: string;
  readonly #environment: ReturnType<typeof parseEnvironment>;
  readonly #keys: DynamoKeyStore;
  readonly #teamKeys = new Map<string, string>();
  /** The handler of each gateway, to invoke as Lambda does. */
  readonly handlers: HostedFunctions['gateway'][] = [];
  readonly #hosts: { readonly baseUrl: string; close(): Promise<void> }[] = [];
  #offsetMs = 0;
  #arrived = 0;

  private constructor(database: TestDatabase, fake: FakeGroq, table: string, options: HostedOptions) {
    this.#database = database;
    this.fake = fake;
    this.table = table;
    this.#keys = new DynamoKeyStore(database.client, table, this.now);
    this.ledger = new RealLedger(database.client, table, this.now);
    const roomy = { allowedModels: [MODEL], monthlyBudgetUsd: 100, rateLimitRpm: null, maxConcurrent: 200 };
    const teams = Object.fromEntries(
      Object.entries(options.teams).map(([team, more]) => [team, { ...roomy, ...more }]),
    );
    const { organization } = options;
    this.#environment = parseEnvironment(
      'test',
      { teams, ...(organization === undefined ? {} : { organization }) },
      catalog,
    );
  }

  /** Starts gateways with their own ledger, keys and upstream. */
  static async start(database: TestDatabase, options: HostedOptions): Promise<HostedGateways> {
    const table = `hosted-${randomUUID()}`;
    await ensureTable(database.client, table);
    const hosted = new HostedGateways(database, await startFakeGroq(options.fake ?? {}), table, options);
    for (const team of Object.keys(options.teams)) {
      const { key, keyId } = mintKey('test');
      await hosted.#keys.put(key, { keyId, role: 'member', team, name: team, createdAtEpochMs: Date.now() });
      hosted.#teamKeys.set(team, key);
    }
    for (let count = 0; count < (options.replicas ?? 1); count++) {
      hosted.#hosts.push(await startHost(hosted.#functions(), 0));
    }
    return hosted;
  }

  #functions(): HostedFunctions {
    const clock = { ...systemClock, nowEpochMs: this.now };
    const secrets = {
      send: async () => ({ SecretString: '{"apiKey":"gsk_fake"}' }),
    } as unknown as SecretsManagerClient;
    const keys = new GroqKeys(secrets, 'test', this.now, () => {});
    const headroom = new Headroom();
    const gateway: unknown = createGatewayHandler({
      policies: { policies: async () => ({ teams: this.#environment.teams, catalog }) },
      ledger: new DynamoLedger(this.#database.client, this.table, this.now),
      upstream: new GroqUpstream({ baseUrl: this.fake.baseUrl, keys, clock, log: () => {}, limits: headroom }),
      clock,
      newId: randomUUID,
      log: () => {},
      outputs: new RecentOutputs(),
      headroom,
      usage: { listRows: async () => [] },
      keyNames: this.#keys,
      recorder: NO_OP_USAGE_PORTS.recorder,
    });
    const counted: HostedFunctions['gateway'] = async (...call) => {
      this.#arrived++;
      await (gateway as HostedFunctions['gateway'])(...call);
    };
    this.handlers.push(counted);
    const ports = { keys: this.#keys, environmentName: 'test', nowEpochMs: this.now, write: () => {} };
    const authorizer = createAuthorizer(ports) as unknown as HostedFunctions['authorizer'];
    return { authorizer, gateway: counted };
  }

  /** The gateways' clock, which `setNow` shifts. */
  readonly now = (): number => Date.now() + this.#offsetMs;

  setNow(epochMs: number): void {
    this.#offsetMs = epochMs - Date.now();
  }

  /** The number of requests that reached a gateway, including refused ones. */
  get arrived(): number {
    return this.#arrived;
  }

  keyOf(team: string): string {
    return this.#teamKeys.get(team) ?? '';
  }

  urlOf(replica = 0): string {
    return this.#hosts[replica % this.#hosts.length]?.baseUrl ?? '';
  }

  /** Sends a request with a team's key. */
  async send(team: string, path: string, init: RequestInit = {}, replica = 0): Promise<HttpResponse> {
    const response = await fetch(this.urlOf(replica) + path, {
      ...init,
      headers: { authorization: `Bearer ${this.keyOf(team)}`, ...init.headers },
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Sends a chat completion with the message `content`, by default one that is answered with 50 tokens. */
  async chat(
    team: string,
    body: object = {},
    { replica = 0, content = '[tokens:50]', ...init }: RequestInit & { replica?: number; content?: string } = {},
  ): Promise<HttpResponse> {
    const request = { model: MODEL, messages: [{ role: 'user', content }], max_tokens: 50, ...body };
    return await this.send(
      team,
      '/openai/v1/chat/completions',
      { method: 'POST', ...init, body: JSON.stringify(request) },
      replica,
    );
  }

  /** Starts a chat completion and disconnects once it is upstream, or at the first bytes of the response. */
  async chatAndDisconnect(
    team: string,
    body: object,
    when: 'once it is upstream' | 'at the first bytes',
  ): Promise<void> {
    const disconnect = new AbortController();
    const { inFlight } = this.fake.served();
    const answer = fetch(`${this.urlOf()}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.keyOf(team)}` },
      body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: '[tokens:50]' }], ...body }),
      signal: disconnect.signal,
    });
    if (when === 'at the first bytes') await (await answer).body?.getReader().read();
    else await vi.waitFor(() => this.#until(this.fake.served().inFlight > inFlight));
    disconnect.abort();
    await answer.catch(() => undefined);
  }

  #until(condition: boolean): void {
    if (!condition) throw new Error('not yet');
  }

  /** Reads a team's ledger, by default of the current month. */
  async stateOf(team: string, period = periodAt(this.now())): Promise<LedgerState | undefined> {
    return await this.ledger.read({ team, period });
  }

  /** Waits until a team has no reservations, and returns its ledger. */
  async waitUntilSettled(team: string): Promise<LedgerState> {
    return await vi.waitFor(
      async () => {
        const state = await this.stateOf(team);
        if (state === undefined || state.reservedPicoUsd !== 0n) throw new Error('a reservation is still open');
        return state;
      },
      { timeout: 10_000, interval: 20 },
    );
  }

  /** Waits until so many calls are in flight at the upstream. */
  async waitForInFlight(count: number): Promise<void> {
    await vi.waitFor(() => this.#until(this.fake.served().inFlight >= count), { timeout: 10_000, interval: 5 });
  }

  /** Waits until so many requests have reached a gateway. */
  async waitForArrivals(count: number): Promise<void> {
    await vi.waitFor(() => this.#until(this.#arrived >= count), { timeout: 10_000, interval: 5 });
  }

  /** Waits until the upstream has received so many calls. */
  async waitForUpstreamCalls(count: number): Promise<void> {
    await vi.waitFor(() => this.#until(this.fake.served().requests >= count), { timeout: 10_000, interval: 5 });
  }

  /** The upstream's bill for all calls that it served to the end. */
  billed(): PicoUsd {
    return computeBill(this.fake.served().byModel);
  }

  /** Closes the upstream first, so that calls that hang there end. */
  async close(): Promise<void> {
    await this.fake.close();
    for (const host of this.#hosts) await host.close();
  }
}

/** The cost of a call of `HostedGateways.chat`: 27 prompt tokens and 50 completion tokens. */
export const CALL_COST_PICO_USD = picoUsd(27n * 75_000n + 50n * 300_000n);

/** The budget in dollars that pays for so many calls. */
export function usdForCalls(calls: number): number {
  return (calls * Number(CALL_COST_PICO_USD)) / 1e12;
}
