import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DescribeSecretResponse } from '@aws-sdk/client-secrets-manager';
import { groqSecretName } from '../../lambda/contract.ts';
import type { GroqKeyRotationEvent } from '../../lambda/groq-keys/io/groq-key-rotation-handler.ts';
import { type EmbeddedDynamodb, startEmbeddedDynamodb } from '../../local/dynamodb/embedded-dynamodb.ts';
import { type FakeGroq, startFakeGroq } from '../../local/fake-groq/server.ts';
import { type GatewayProcess, startGatewayProcess } from '../../local/host/gateway-process.ts';
import { createLocalGroqRotation } from '../../local/secrets-manager/local-groq-rotation.ts';
import { type SecretsEndpoint, startSecretsEndpoint } from '../../local/secrets-manager/secrets-endpoint.ts';
import { LocalSecretsManager } from '../../local/secrets-manager/secrets-manager.ts';
import { startStreamTrimming } from '../stream-trimming.ts';
import { type CallResult, LoadGenerator } from './load-generator.ts';
import { SimulatedSecret, type TestKey } from './simulated-secret.ts';

/** What is to be rotated. */
export type RotationTestbedOptions = {
  readonly processes: number;
  readonly canaryMinutes: number;
  /** Whether the gateways' clocks are moved by {@link RotationTestbed.advanceMinute}. @default false: they are the machine's */
  readonly isClockControlled?: boolean;
};

const TEAM = 'rotated';
const ENVIRONMENT = 'rotation';
const DATABASE = 'dynamodb.sqlite';
/** How long the four steps of a rotation may take on a busy machine, in milliseconds. */
const ROTATION_DEADLINE_MS = 30_000;
const MINUTE_MS = 60_000;
/** How long the fake Groq takes to answer, and between the chunks of a stream, in milliseconds. */
const LATENCY_MS = 20;
const CHUNK_INTERVAL_MS = 1;
/** How many calls are made while a minute is said to pass: more than can be in flight, and each process has seen the time. */
const CALLS_PER_MINUTE = 30;

/** Gateway processes on one database, one Secrets Manager and one fake Groq that knows which keys it takes. */
export class RotationTestbed {
  readonly fake: FakeGroq;
  readonly secret: SimulatedSecret;
  readonly secrets: LocalSecretsManager;
  readonly database: EmbeddedDynamodb;
  readonly gateways: GatewayProcess[] = [];
  /** Where each process keeps its files. */
  readonly dir: string;
  readonly #dynamo: DynamoDBClient;
  readonly #endpoint: SecretsEndpoint;
  readonly #clockFile: string;
  readonly #isClockControlled: boolean;
  #shiftMs = 0;
  #stopTrimming: () => void = () => {};

  private constructor(options: {
    readonly dir: string;
    readonly fake: FakeGroq;
    readonly database: EmbeddedDynamodb;
    readonly secrets: LocalSecretsManager;
    readonly endpoint: SecretsEndpoint;
    readonly isClockControlled: boolean;
    readonly clock: { nowEpochMs: () => number };
    readonly dynamo: DynamoDBClient;
  }) {
    this.#dynamo = options.dynamo;
    this.dir = options.dir;
    this.fake = options.fake;
    this.database = options.database;
    this.secrets = options.secrets;
    this.#endpoint = options.endpoint;
    this.#isClockControlled = options.isClockControlled;
    this.#clockFile = join(options.dir, 'clock');
    options.clock.nowEpochMs = () => this.nowEpochMs();
    this.secret = new SimulatedSecret(this.secrets, groqSecretName(TEAM, ENVIRONMENT));
  }

  /** Starts all of it; the team has no key yet. */
  static async open({
    processes,
    canaryMinutes,
    isClockControlled = false,
  }: RotationTestbedOptions): Promise<RotationTestbed> {
    const clock = { nowEpochMs: Date.now };
    const dir = mkdtempSync(join(tmpdir(), 'rotation-'));
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
      secrets: secrets.client,
      notify: () => {},
    });
    const endpoint = await startSecretsEndpoint(secrets);
    const opened = new RotationTestbed({ dir, fake, database, dynamo, endpoint, secrets, isClockControlled, clock });
    await opened.#start(processes, canaryMinutes);
    opened.#stopTrimming = startStreamTrimming(dynamo, join(dir, DATABASE), ENVIRONMENT);
    return opened;
  }

  async #start(processes: number, canaryMinutes: number): Promise<void> {
    const environment = join(this.dir, `${ENVIRONMENT}.json`);
    const policy = {
      allowedModels: ['openai/gpt-oss-20b'],
      monthlyBudgetUsd: 10_000,
      // The processes learn the time one after the other, and a rate of so many a minute would see a minute of difference.
      rateLimitRpm: null,
      rateLimitTpm: null,
      maxConcurrent: 200,
      maxQueueMs: 2_000,
      canaryMinutes,
    };
    const content = { organization: { monthlyCapUsd: 10_000 }, teams: { [TEAM]: policy } };
    writeFileSync(environment, JSON.stringify(content));
    const env = {
      GROQ_BASE_URL: this.fake.baseUrl,
      DYNAMODB_ENDPOINT: this.database.endpoint,
      SECRETS_ENDPOINT: this.#endpoint.endpoint,
      // As under npm: a gateway whose parent is killed outright ends too.
      npm_lifecycle_event: 'rotation',
      ...(this.#isClockControlled ? { LED_CLOCK_FILE: this.#clockFile } : {}),
    };
    const nodeArguments = this.#isClockControlled ? ['--import', new URL('./file-clock.ts', import.meta.url).href] : [];
    for (let index = 0; index < processes; index++) {
      const dataDir = join(this.dir, `process-${index}`);
      this.gateways.push(await startGatewayProcess({ environment, env, dataDir, nodeArguments }));
    }
  }

  /** The time of the gateways and of Secrets Manager. */
  nowEpochMs(): number {
    return Date.now() + this.#shiftMs;
  }

  /** Stages a key, and lets Secrets Manager rotate to the first of the queue by the function that is deployed. */
  async rotate(key?: TestKey): Promise<void> {
    const SecretId = groqSecretName(TEAM, ENVIRONMENT);
    if (key !== undefined) this.secret.stage(key, this.nowEpochMs());
    const { VersionId } = this.secrets.handle('RotateSecret', { SecretId }) as { VersionId: string };
    const isCurrent = () => {
      const { VersionIdsToStages } = this.secrets.handle('DescribeSecret', { SecretId }) as DescribeSecretResponse;
      return VersionIdsToStages?.[VersionId]?.includes('AWSCURRENT') === true;
    };
    const untilMs = performance.now() + ROTATION_DEADLINE_MS;
    while (!isCurrent()) {
      if (performance.now() > untilMs) throw new Error('the rotation did not come to its end');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** A load on all processes, with the team's key. */
  load(onEnd?: (end: CallResult) => void): LoadGenerator {
    return new LoadGenerator({ baseUrls: this.gateways.map(({ baseUrl }) => baseUrl), key: this.teamKey }, onEnd);
  }

  /** The team's own key, by which it calls the gateways. */
  get teamKey(): string {
    return this.gateways[0]?.teams[TEAM]?.key ?? '';
  }

  /** Lets a minute pass for the gateways, while calls go on. */
  async advanceMinute(load: LoadGenerator): Promise<void> {
    this.#shiftMs += MINUTE_MS;
    // Whole at once: a process that read half of it would go back in time.
    writeFileSync(`${this.#clockFile}-next`, String(this.#shiftMs));
    renameSync(`${this.#clockFile}-next`, this.#clockFile);
    await load.waitForCalls(CALLS_PER_MINUTE);
  }

  /** What the gateways logged of an event, all of them together. */
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
