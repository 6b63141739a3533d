import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { periodAt, periodDayRange } from '../../lambda/kernel/period.ts';
import { parseCatalog } from '../../lambda/pricing/catalog.ts';
import { weekAt } from '../../lambda/reporting/iso-week.ts';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import { startEmbeddedDynamodb } from '../../local/dynamodb/embedded-dynamodb.ts';
import { type FakeGroq, startFakeGroq } from '../../local/fake-groq/server.ts';
import { type GatewayProcess, startGatewayProcess } from '../../local/host/gateway-process.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import { startStreamTrimming } from '../stream-trimming.ts';
import { buildMixedCalls, MIXED_ENVIRONMENT, type MixedCall } from './call-mix.ts';
import { compareSources, type FigureComparison, type Figures, type Source } from './figures.ts';
import {
  apiSource,
  ledgerSource,
  metricsSource,
  projectionSource,
  type UsageAnswer,
  upstreamSource,
} from './sources.ts';

/** How large a run is. */
export type AgreementOptions = {
  readonly requests: number;
  readonly processes: number;
  readonly concurrency: number;
  readonly onProgress: (done: number, total: number) => void;
};

/** What a run came to. */
export type Agreement = {
  readonly sources: readonly Source[];
  readonly lines: readonly FigureComparison[];
  /** What the metrics' dollars, which are floats, add up to. */
  readonly floatUsd: number;
  readonly seconds: number;
};

const TEAMS = Object.keys(MIXED_ENVIRONMENT.teams);
/** The most that a report prints, in bytes. */
const MAX_REPORT = 16 * 1024 * 1024;
/** How long the projection may be behind at the end, in milliseconds, on a busy machine. */
const DRAIN_TIMEOUT_MS = 120_000;

/** Sends a mix of calls through several gateway processes on one database, and reads what each source says of it. */
export async function runAgreement(options: AgreementOptions): Promise<Agreement> {
  const dir = mkdtempSync(join(tmpdir(), 'agreement-'));
  const file = join(dir, 'dynamodb.sqlite');
  const opened: (() => Promise<void> | void)[] = [() => rmSync(dir, { recursive: true, force: true })];
  try {
    const database = await startEmbeddedDynamodb(file);
    opened.push(database.close);
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint: database.endpoint, region: 'us-east-1', credentials });
    opened.push(() => client.destroy());
    const fake = await startFakeGroq({});
    opened.push(fake.close);
    const gateways: GatewayProcess[] = [];
    const files: string[] = [];
    for (let number = 0; number < options.processes; number++) {
      files.push(join(dir, `metrics-${number}.jsonl`));
      const env = {
        DYNAMODB_ENDPOINT: database.endpoint,
        GROQ_BASE_URL: fake.baseUrl,
        METRICS_FILE: files[number] ?? '',
      };
      // One after the other: the first makes the tables.
      const gateway = await startGatewayProcess({
        environment: MIXED_ENVIRONMENT,
        env,
        dataDir: join(dir, `${number}`),
      });
      gateways.push(gateway);
      opened.push(gateway.close);
    }
    opened.push(startStreamTrimming(client, file, 'test'));
    const startMs = performance.now();
    await sendAll(options, gateways);
    const seconds = (performance.now() - startMs) / 1000;
    const { sources, floatUsd } = await readDrainedSources(options.requests, { gateways, fake, client, files });
    return { sources, lines: compareSources(sources), floatUsd, seconds };
  } finally {
    for (const close of opened.reverse()) await close();
  }
}

async function sendAll(
  { requests, processes, concurrency, onProgress }: AgreementOptions,
  gateways: readonly GatewayProcess[],
): Promise<void> {
  const calls = buildMixedCalls(requests, processes);
  const next = calls.values();
  let done = 0;
  const sendSome = async () => {
    for (const call of next) {
      await send(call, gateways[call.process] as GatewayProcess);
      onProgress(++done, calls.length);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, sendSome));
}

async function send({ team, body, disconnects }: MixedCall, { baseUrl, teams }: GatewayProcess): Promise<void> {
  const leave = new AbortController();
  const response = await fetch(`${baseUrl}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${teams[team]?.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: leave.signal,
  });
  if (disconnects) {
    await response.body?.getReader().read();
    leave.abort();
  } else await response.text();
}

type Run = {
  readonly gateways: readonly GatewayProcess[];
  readonly fake: FakeGroq;
  readonly client: DynamoDBClient;
  readonly files: readonly string[];
};

/** Reads the sources once all calls are told of; or as they are when that takes too long, for whoever compares them. */
async function readDrainedSources(requests: number, run: Run): Promise<Pick<Agreement, 'sources' | 'floatUsd'>> {
  const clients: Source = { name: 'clients', figures: { requests: String(requests) } };
  for (const startMs = performance.now(); ; await sleep(500)) {
    const { sources: told, floatUsd } = await readSources(run);
    const sources = [clients, ...told];
    const isWhole = told.every(({ figures }) => coversAllRequests(figures, requests));
    const isOver = performance.now() - startMs > DRAIN_TIMEOUT_MS;
    if (isOver || (isWhole && compareSources(sources).every(({ agrees }) => agrees))) return { sources, floatUsd };
  }
}

/** Whether a source tells of every call, if it tells of each at all. */
function coversAllRequests({ 'requests accepted': took, voided, refused }: Figures, requests: number): boolean {
  if (voided === undefined || refused === undefined) return true;
  return Number(took) + Number(voided) + Number(refused) === requests;
}

/** Every place where a call is told of. A further one is added here. */
async function readSources({ gateways, fake, client, files }: Run): Promise<Pick<Agreement, 'sources' | 'floatUsd'>> {
  const catalogFile = join(PROJECT_DIR, 'config/catalog.json');
  const catalog = parseCatalog(catalogFile, JSON.parse(readFileSync(catalogFile, 'utf8')));
  const usage = new DynamoUsage(client, 'test-usage', Date.now);
  const { from, to } = periodDayRange(periodAt(Date.now()));
  const rows = (await Promise.all(TEAMS.map((team) => usage.listRows(team, from, to)))).flat();
  // Of each process: the next request of any kind is what brings out what it still has to tell.
  const answers = await Promise.all(gateways.map((gateway) => get(gateway, '/openai/v1/usage?group_by=model')));
  const [gateway] = gateways;
  if (gateway === undefined) throw new Error('a run needs a gateway');
  const budgets = await get(gateway, '/openai/v1/budget');
  const { source, floatUsd } = metricsSource(files);
  const sources = [
    upstreamSource(fake.served(), catalog),
    ledgerSource((budgets as { data: Readonly<Record<string, unknown>>[] }).data),
    projectionSource(rows),
    apiSource('GET /usage', answers.at(-1) as UsageAnswer),
    apiSource('report', await runReport(gateway)),
    source,
  ];
  return { sources, floatUsd };
}

async function get({ baseUrl, adminKey }: GatewayProcess, path: string): Promise<object> {
  const response = await fetch(baseUrl + path, { headers: { authorization: `Bearer ${adminKey}` } });
  return (await response.json()) as object;
}

/** This week's report, as the command line makes it by a key. */
async function runReport({ baseUrl, adminKey }: Pick<GatewayProcess, 'baseUrl' | 'adminKey'>): Promise<UsageAnswer> {
  const args = ['bin/groq-rbac.ts', 'report', '--endpoint', baseUrl, '--week', weekAt(Date.now()), '--format', 'json'];
  const env = { ...process.env, GROQ_RBAC_KEY: adminKey };
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: PROJECT_DIR,
    env,
    maxBuffer: MAX_REPORT,
  });
  const [week] = JSON.parse(stdout).data;
  return { data: week.models, total: week.total };
}
