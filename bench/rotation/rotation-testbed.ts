import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GatewayClock } from '../../bin/prove/gateway-clock.ts';
import { groqSecretName } from '../../lambda/contract.ts';
import type { GroqKeyRotationEvent } from '../../lambda/groq-keys/io/groq-key-rotation-handler.ts';
import { type EmbeddedDynamodb, startEmbeddedDynamodb } from '../../local/dynamodb/embedded-dynamodb.ts';
import { localTableNames } from '../../local/dynamodb/tables.ts';
import { type FakeGroq, startFakeGroq } from '../../local/fake-groq/server.ts';
import type { GatewayProcess } from '../../local/host/gateway-process.ts';
import { createLocalGroqRotation } from '../../local/secrets-manager/local-groq-rotation.ts';
import { type SecretsEndpoint, startSecretsEndpoint } from '../../local/secrets-manager/secrets-endpoint.ts';
import { LocalSecretsManager } from '../../local/secrets-manager/secrets-manager.ts';
import { startStreamTrimming } from '../stream-trimming.ts';
import { type CallResult, LoadGenerator } from './load-generator.ts';
import { ENVIRONMENT, type SharedServices, startRotationGateways, TEAM } from './rotation-gateways.ts';
import { SimulatedSecret, type TestKey } from './simulated-secret.ts';

/** Options of the testbed. */
export type RotationTestbedOptions = {
  readonly processes: number;
  readonly canaryMinutes: number;
  /** Lets {@link RotationTestbed.advanceMinute} move the gateways' clocks. @default false: the machine's clock */
  readonly isClockControlled?: boolean;
};

const DATABASE = 'dynamodb.sqlite';
/** Long enough for the four steps of a rotation on a busy machine. */
const ROTATION_TIMEOUT_MS = 30_000;
const MINUTE_MS = 60_000;
/** Latency of the fake Groq, and its interval between the chunks of a stream. */
const LATENCY_MS = 20;
const CHUNK_INTERVAL_MS = 1;
/** Calls per simulated minute: more than can be in flight, so that every process has read the new time. */
const CALLS_PER_MINUTE = 30;

type TestbedServices = Pick<SharedServices, 'fake' | 'database' | 'endpoint'> & {
  readonly dir: string;
  readonly secrets: LocalSecretsManager;
  readonly clock: GatewayClock;
  readonly dynamo: DynamoDBClient;
};

/** Gateway processes on one database, one Secrets Manager, and one fake Groq that accepts only known keys. */
export class RotationTestbed {
  readonly fake: FakeGroq;
  readonly secret: SimulatedSecret;
  readonly secrets: LocalSecretsManager;
  readonly database: EmbeddedDynamodb;
  readonly gateways: GatewayProcess[] = [];
  /** The folder with each process's files. */
  readonly dir: string;
  readonly #dynamo: DynamoDBClient;
  readonly #endpoint: SecretsEndpoint;
  readonly #clock: GatewayClock;
  #stopTrimming: () => void = () => {};

  private constructor({ dir, fake, database, secrets, endpoint, clock, dynamo }: TestbedServices) {
    this.#dynamo = dynamo;
    this.dir = dir;
    this.fake = fake;
    this.database = database;
    this.secrets = secrets;
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.secret = new SimulatedSecret(this.secrets, groqSecretName(TEAM, ENVIRONMENT));
  }

  /** Starts everything. The team has no key yet. */
  static async open({
    processes,
    canaryMinutes,
    isClockControlled = false,
  }: RotationTestbedOptions): Promise<RotationTestbed> {
    const dir = mkdtempSync(join(tmpdir(), 'rotation-'));
    const clock = new GatewayClock(join(dir, 'clock'));
    const fake = await startFakeGroq({ latencyMs: LATENCY_MS, chunkIntervalMs: CHUNK_INTERVAL_MS });
    const database = await startEmbeddedDynamodb(join(dir, DATABASE));
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const dynamo = new DynamoDBClient({ endpoint: database.endpoint, region: 'us-east-1', credentials });
    const secrets: LocalSecretsManager = new LocalSecretsManager({
      nowEpochMs: () => clock.nowEpochMs(),
      rotate: async (event) => await rotate({ ...event, RotationToken: '' } as GroqKeyRotationEvent),
    });
    const rotate = createLocalGroqRotation({
      environmentName: ENVIRONMENT,
      dataDir: dir,
      groqBaseUrl: fake.baseUrl,
      dynamo,
      tables: localTableNames(ENVIRONMENT),
      secrets: secrets.client,
      notify: () => {},
    });
    const endpoint = await startSecretsEndpoint(secrets);
    const opened = new RotationTestbed({ dir, fake, database, dynamo, endpoint, secrets, clock });
    const options = { fake, database, endpoint, canaryMinutes, clock: isClockControlled ? clock : undefined };
    opened.gateways.push(...(await startRotationGateways(dir, processes, options)));
    opened.#stopTrimming = startStreamTrimming(dynamo, join(dir, DATABASE), ENVIRONMENT);
    return opened;
  }

  /** The current time of the gateways and of Secrets Manager. */
  nowEpochMs(): number {
    return this.#clock.nowEpochMs();
  }

  /** Stages a key if one is given, and rotates to the first key of the queue with the deployed function. */
  async rotate(key?: TestKey): Promise<void> {
    const SecretId = groqSecretName(TEAM, ENVIRONMENT);
    if (key !== undefined) this.secret.stage(key, this.nowEpochMs());
    const { VersionId } = this.secrets.handle('RotateSecret', { SecretId }) as { VersionId: string };
    const deadlineMs = performance.now() + ROTATION_TIMEOUT_MS;
    while (!this.secret.isCurrent(VersionId)) {
      if (performance.now() > deadlineMs) throw new Error('the rotation timed out');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Creates a load on all processes, with the team's key. */
  load(onEnd?: (end: CallResult) => void): LoadGenerator {
    return new LoadGenerator({ baseUrls: this.gateways.map(({ baseUrl }) => baseUrl), key: this.teamKey }, onEnd);
  }

  /** The team's key for the gateways. */
  get teamKey(): string {
    return this.gateways[0]?.teams[TEAM]?.key ?? '';
  }

  /** Moves the gateways' clocks by a minute while calls continue. */
  async advanceMinute(load: LoadGenerator): Promise<void> {
    this.#clock.advance(MINUTE_MS);
    await load.waitForCalls(CALLS_PER_MINUTE);
  }

  /** Finds the log lines of an event, of all gateways. */
  findLogEvents(event: string): readonly Readonly<Record<string, unknown>>[] {
    const lines = this.gateways.flatMap((gateway) => gateway.stderr().split('\n'));
    return lines.flatMap((line) => (line.includes(`"event":"${event}"`) ? [JSON.parse(line)] : []));
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
    this.#stopTrimming();
    this.#dynamo.destroy();
    await this.#endpoint.close();
    await this.database.close();
    await this.fake.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
