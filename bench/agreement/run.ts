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
import { MIXED_ENVIRONMENT } from './call-mix.ts';
import { compareSources, type FigureComparison, type Figures, type Source } from './figures.ts';
import { type AgreementOptions, sendAll } from './send-calls.ts';
import {
  apiSource,
  ledgerSource,
  metricsSource,
  projectionSource,
  type UsageAnswer,
  upstreamSource,
} from './sources.ts';

/** The result of a run. */
export type Agreement = {
  readonly sources: readonly Source[];
  readonly lines: readonly FigureComparison[];
  /** The sum of the metrics' dollars, which are floats. */
  readonly floatUsd: number;
  readonly seconds: number;
};

const TEAMS = Object.keys(MIXED_ENVIRONMENT.teams);
const MAX_REPORT_BYTES = 16 * 1024 * 1024;
/** Maximum lag of the projection at the end, on a busy machine. */
const DRAIN_TIMEOUT_MS = 120_000;

/** Sends a mix of calls through several gateway processes on one database, and compares the figures of all sources. */
export async function runAgreement(options: AgreementOptions): Promise<Agreement> {
  const dir = mkdtempSync(join(tmpdir(), 'agreement-'));
  const file = join(dir, 'dynamodb.sqlite');
  const cleanUp: (() => Promise<void> | void)[] = [() => rmSync(dir, { recursive: true, force: true })];
  try {
    const database = await startEmbeddedDynamodb(file);
    cleanUp.push(database.close);
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint: database.endpoint, region: 'us-east-1', credentials });
    cleanUp.push(() => client.destroy());
    const fake = await startFakeGroq({});
    cleanUp.push(fake.close);
    const gateways: GatewayProcess[] = [];
    const files: string[] = [];
    for (let number = 0; number < options.processes; number++) {
      files.push(join(dir, `metrics-${number}.jsonl`));
      const env = {
        DYNAMODB_ENDPOINT: database.endpoint,
        GROQ_BASE_URL: fake.baseUrl,
        METRICS_FILE: files[number] ?? '',
      };
      // One after another: the first creates the tables.
      const gateway = await startGatewayProcess({
        environment: MIXED_ENVIRONMENT,
        env,
        dataDir: join(dir, `${number}`),
      });
      gateways.push(gateway);
      cleanUp.push(gateway.close);
    }
    cleanUp.push(startStreamTrimming(client, file, 'test'));
    const startMs = performance.now();
    await sendAll(options, gateways);
    const seconds = (performance.now() - startMs) / 1000;
    const { sources, floatUsd } = await readDrainedSources(options.requests, { gateways, fake, client, files });
    return { sources, lines: compareSources(sources), floatUsd, seconds };
  } finally {
    for (const close of cleanUp.reverse()) await close();
  }
}

type Run = {
  readonly gateways: readonly GatewayProcess[];
  readonly fake: FakeGroq;
  readonly client: DynamoDBClient;
  readonly files: readonly string[];
};

/** Reads the sources once they agree on all calls, or as they are at the timeout. */
async function readDrainedSources(requests: number, run: Run): Promise<Pick<Agreement, 'sources' | 'floatUsd'>> {
  const clients: Source = { name: 'clients', figures: { requests: String(requests) } };
  for (const startMs = performance.now(); ; await sleep(500)) {
    const { sources: read, floatUsd } = await readSources(run);
    const sources = [clients, ...read];
    const isComplete = read.every(({ figures }) => coversAllRequests(figures, requests));
    const isTimeout = performance.now() - startMs > DRAIN_TIMEOUT_MS;
    if (isTimeout || (isComplete && compareSources(sources).every(({ agrees }) => agrees)))
      return { sources, floatUsd };
  }
}

/** True when a source has every call, or does not count single calls at all. */
function coversAllRequests({ 'requests accepted': accepted, voided, refused }: Figures, requests: number): boolean {
  if (voided === undefined || refused === undefined) return true;
  return Number(accepted) + Number(voided) + Number(refused) === requests;
}

/** Reads every source that records calls. Add new sources here. */
async function readSources({ gateways, fake, client, files }: Run): Promise<Pick<Agreement, 'sources' | 'floatUsd'>> {
  const catalogFile = join(PROJECT_DIR, 'config/catalog.json');
  const catalog = parseCatalog(catalogFile, JSON.parse(readFileSync(catalogFile, 'utf8')));
  const usage = new DynamoUsage(client, 'test-usage', Date.now);
  const { from, to } = periodDayRange(periodAt(Date.now()));
  const rows = (await Promise.all(TEAMS.map((team) => usage.listRows(team, from, to)))).flat();
  // Asks each process, because a process writes its pending refusals with its next request.
  const responses = await Promise.all(gateways.map((gateway) => get(gateway, '/openai/v1/usage?group_by=model')));
  const [gateway] = gateways;
  if (gateway === undefined) throw new Error('a run needs a gateway');
  const budgets = await get(gateway, '/openai/v1/budget');
  const { source, floatUsd } = metricsSource(files);
  const sources = [
    upstreamSource(fake.served(), catalog),
    ledgerSource((budgets as { data: Readonly<Record<string, unknown>>[] }).data),
    projectionSource(rows),
    apiSource('GET /usage', responses.at(-1) as UsageAnswer),
    apiSource('report', await runReport(gateway)),
    source,
  ];
  return { sources, floatUsd };
}

async function get({ baseUrl, adminKey }: GatewayProcess, path: string): Promise<object> {
  const response = await fetch(baseUrl + path, { headers: { authorization: `Bearer ${adminKey}` } });
  return (await response.json()) as object;
}

/** This week's report, from the command line with a key. */
async function runReport({ baseUrl, adminKey }: Pick<GatewayProcess, 'baseUrl' | 'adminKey'>): Promise<UsageAnswer> {
  const args = ['bin/groq-rbac.ts', 'report', '--endpoint', baseUrl, '--week', weekAt(Date.now()), '--format', 'json'];
  const env = { ...process.env, GROQ_RBAC_KEY: adminKey };
  const options = { cwd: PROJECT_DIR, env, maxBuffer: MAX_REPORT_BYTES };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  const [week] = JSON.parse(stdout).data;
  return { data: week.models, total: week.total };
}
