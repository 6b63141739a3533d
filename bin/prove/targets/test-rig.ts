import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoLedger } from '../../../lambda/ledger/io/dynamo-ledger.ts';
import type { LedgerKey } from '../../../lambda/ledger/ports.ts';
import type { LedgerState } from '../../../lambda/ledger/reservation.ts';
import type { Catalog } from '../../../lambda/pricing/catalog.ts';
import { type EmbeddedDynamodb, startEmbeddedDynamodb } from '../../../local/dynamodb/embedded-dynamodb.ts';
import { type FakeGroq, startFakeGroq } from '../../../local/fake-groq/server.ts';
import type { UpstreamCounter } from '../figures.ts';
import { GatewayClock } from '../gateway-clock.ts';
import { Cluster } from './cluster.ts';
import { createUpstreamCounter } from './upstream-counter.ts';

/** Latency of the fake Groq, and its interval between the chunks of a stream. */
export const LATENCY_MS = 300;
const CHUNK_INTERVAL_MS = 1;

/** A fake Groq, one database, and clusters of gateways; `close` ends all of it. */
export class TestRig {
  readonly processes: number;
  readonly upstream: UpstreamCounter;
  readonly #fake: FakeGroq;
  readonly #database: EmbeddedDynamodb;
  readonly #dir: string;
  readonly #abort = new AbortController();

  private constructor(processes: number, fake: FakeGroq, database: EmbeddedDynamodb, catalog: Catalog) {
    this.processes = processes;
    this.#fake = fake;
    this.#database = database;
    this.upstream = createUpstreamCounter(async () => fake.served(), catalog);
    this.#dir = mkdtempSync(join(tmpdir(), 'prove-'));
  }

  /** Starts the fake Groq and the database. */
  static async open(processes: number, catalog: Catalog): Promise<TestRig> {
    const database = await startEmbeddedDynamodb();
    const fake = await startFakeGroq({ latencyMs: LATENCY_MS, chunkIntervalMs: CHUNK_INTERVAL_MS });
    return new TestRig(processes, fake, database, catalog);
  }

  /** Creates a clock for a cluster. It must be set before the cluster starts. */
  createClock(name: string): GatewayClock {
    return new GatewayClock(join(this.#dir, `${name}-clock`));
  }

  /** Starts gateways on a ledger of their own, by default with the machine's clock. */
  async startCluster(name: string, environment: object, clock?: GatewayClock): Promise<Cluster> {
    const dir = join(this.#dir, name);
    mkdirSync(dir, { recursive: true });
    const file = join(dir, `${name}.json`);
    writeFileSync(file, JSON.stringify(environment));
    const env = {
      GROQ_BASE_URL: this.#fake.baseUrl,
      DYNAMODB_ENDPOINT: this.#database.endpoint,
      // As under npm, so that a gateway exits when its parent is killed.
      npm_lifecycle_event: 'prove',
      ...clock?.env,
    };
    const nodeArguments = clock?.nodeArguments ?? [];
    const cluster = new Cluster(dir, { environment: file, env, nodeArguments, signal: this.#abort.signal });
    for (let index = 0; index < this.processes; index++) await cluster.start(index);
    return cluster;
  }

  /** Reads a team's ledger of any month from a cluster's table. */
  async readLedger(cluster: string, key: LedgerKey): Promise<LedgerState> {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint: this.#database.endpoint, region: 'us-east-1', credentials });
    try {
      const ledger = await new DynamoLedger(client, `${cluster}-ledger`, Date.now).read(key);
      if (ledger === undefined) throw new Error(`team ${key.team} has no ledger for ${key.period}`);
      return ledger;
    } finally {
      client.destroy();
    }
  }

  /** Ends everything at once, including calls in flight. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#fake.close();
    await this.#database.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
