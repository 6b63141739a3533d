import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedDynamodb } from '../local/dynamodb/embedded-dynamodb.ts';
import { PROJECT_DIR } from '../local/settings.ts';
import packageJson from '../package.json' with { type: 'json' };
import { measureBundles } from './bundles.ts';
import { type StartedProcess, start } from './child-process.ts';
import { startDynamodbCounter } from './dynamodb-counter.ts';
import { measure, quantile, type Target } from './load.ts';

const isQuick = process.argv.includes('--quick');
/** Direct rounds alternate with rounds through the gateway, so that changes in machine speed affect both. */
const ROUNDS = isQuick ? 2 : 6;
const CALLS_PER_ROUND: Readonly<Record<number, number>> = isQuick
  ? { 1: 50, 10: 100, 50: 200 }
  : { 1: 250, 10: 500, 50: 1000 };

const dir = mkdtempSync(join(tmpdir(), 'bench-'));
const environment = join(dir, 'bench.json');
writeFileSync(
  environment,
  JSON.stringify({
    teams: {
      bench: {
        allowedModels: ['openai/gpt-oss-20b'],
        monthlyBudgetUsd: 10_000,
        rateLimitRpm: 1_000_000,
        rateLimitTpm: null,
        maxConcurrent: 200,
      },
    },
  }),
);

/** The command line of `npm start`, with its flags. */
const GATEWAY: readonly string[] = packageJson.scripts.start.split(' ').slice(1);

async function startGateway(
  upstream: string,
  name: string,
  env: Record<string, string> = {},
): Promise<{ process: StartedProcess; target: Target }> {
  const settings = {
    PORT: '0',
    DATA_DIR: join(dir, name),
    ENVIRONMENT: environment,
    GROQ_BASE_URL: upstream,
    GROQ_API_KEY: 'gsk_bench',
    ...env,
  };
  const process = await start([...GATEWAY, '--json'], settings);
  const { baseUrl, teams } = JSON.parse(process.line);
  return { process, target: { baseUrl, key: teams.bench.key } };
}

async function measureLatencies(direct: Target, gateway: Target) {
  const rows = [];
  for (const stream of [false, true]) {
    for (const connections of [1, 10, 50]) {
      const calls = CALLS_PER_ROUND[connections] ?? 100;
      const times: { direct: number[]; gateway: number[] } = { direct: [], gateway: [] };
      for (const target of [direct, gateway]) await measure(target, connections, Math.ceil(calls / 2), stream);
      for (let round = 0; round < ROUNDS; round++) {
        times.direct.push(...(await measure(direct, connections, calls, stream)));
        times.gateway.push(...(await measure(gateway, connections, calls, stream)));
      }
      const at = (share: number) => ({
        directMs: quantile(times.direct, share),
        gatewayMs: quantile(times.gateway, share),
        addedMs: quantile(times.gateway, share) - quantile(times.direct, share),
      });
      rows.push({ what: stream ? 'first byte of a stream' : 'whole answer', connections, p50: at(0.5), p99: at(0.99) });
    }
  }
  return rows;
}

async function measureDynamodbPerRequest(upstream: string) {
  const database = await startEmbeddedDynamodb();
  const counter = await startDynamodbCounter(database.endpoint);
  const { process, target } = await startGateway(upstream, 'counted', { DYNAMODB_ENDPOINT: counter.endpoint });
  await measure(target, 1, 5, false);
  counter.take();
  const calls = 100;
  await measure(target, 1, calls, false);
  const { calls: operations, sentBytes, receivedBytes } = counter.take();
  await process.stop();
  counter.close();
  await database.close();
  const perRequest = Object.fromEntries(Object.entries(operations).map(([name, count]) => [name, count / calls]));
  return { operations: perRequest, sentBytes: sentBytes / calls, receivedBytes: receivedBytes / calls };
}

const fake = await start([join(PROJECT_DIR, 'bench/fake-upstream.ts')], {});
const readyMs: number[] = [];
for (let n = 0; n < 3; n++) {
  const { process } = await startGateway(fake.line, `ready-${n}`);
  readyMs.push(process.readyMs);
  await process.stop();
}
const { process: gateway, target } = await startGateway(fake.line, 'measured');
const latency = await measureLatencies({ baseUrl: fake.line, key: 'gsk_bench' }, target);
const rssMb = gateway.rssMb();
await gateway.stop();
const result = {
  latency,
  dynamodb: await measureDynamodbPerRequest(fake.line),
  bundles: await measureBundles(),
  readyMs: quantile(readyMs, 0.5),
  rssMb,
};
await fake.stop();
rmSync(dir, { recursive: true, force: true });
mkdirSync(join(PROJECT_DIR, 'bench/results'), { recursive: true });
writeFileSync(join(PROJECT_DIR, 'bench/results/latest.json'), `${JSON.stringify(result, null, 2)}\n`);

if (process.argv.includes('--json')) console.log(JSON.stringify(result));
else {
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  console.table(
    latency.map(({ what, connections, p50, p99 }) => ({
      what,
      connections,
      'direct p50': ms(p50.directMs),
      'gateway p50': ms(p50.gatewayMs),
      'added p50': ms(p50.addedMs),
      'added p99': ms(p99.addedMs),
    })),
  );
  console.table([
    {
      ...result.dynamodb.operations,
      'bytes sent': result.dynamodb.sentBytes,
      'bytes received': result.dynamodb.receivedBytes,
    },
  ]);
  console.table(result.bundles);
  console.log(`ready after ${result.readyMs.toFixed(0)} ms; ${rssMb} MB of memory after the load`);
}
