import { randomUUID } from 'node:crypto';
import { devNull } from 'node:os';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoKeyStore } from '../lambda/access/io/dynamo-key-store.ts';
import { findServedModel } from '../lambda/access/model-list.ts';
import { createSweepHandler } from '../lambda/alerts/io/sweep-handler.ts';
import { ENV, groqSecretName } from '../lambda/contract.ts';
import { publishPolicies } from '../lambda/deployment/publish.ts';
import { createAlertPorts } from '../lambda/functions/alert-ports.ts';
import { systemClock } from '../lambda/kernel/io/system.ts';
import { periodAt } from '../lambda/kernel/period.ts';
import { DynamoBudgets } from '../lambda/ledger/io/dynamo-budgets.ts';
import { DynamoLedger } from '../lambda/ledger/io/dynamo-ledger.ts';
import { DynamoAuditLog } from '../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../lambda/policy/io/registry.ts';
import { type Configuration, loadConfiguration } from './configuration.ts';
import { createDataDir, loadKeySeed, lockDataDir } from './data-dir.ts';
import { isListening, startEmbeddedDynamodb } from './dynamodb/embedded-dynamodb.ts';
import { type LedgerStreamConsumerProps, startLedgerStreamConsumer } from './dynamodb/ledger-stream-consumer.ts';
import { createTables } from './dynamodb/tables.ts';
import { DASHBOARD_PATH, dashboardFiles } from './host/dashboard-files.ts';
import { type HostedFunctions, startHost } from './host/host.ts';
import { installLambdaRuntime, lambdaContext } from './host/lambda-runtime.ts';
import { deriveKey } from './local-keys.ts';
import { registerRunningGateway } from './running-gateway.ts';
import { GroqRotationScheduler } from './secrets-manager/groq-rotation-scheduler.ts';
import { startSecretsEndpoint } from './secrets-manager/secrets-endpoint.ts';
import { LocalSecretsManager } from './secrets-manager/secrets-manager.ts';
import { type Settings, StartError } from './settings.ts';

/** A running local gateway. */
export type LocalGateway = {
  readonly baseUrl: string;
  readonly upstreamUrl: string;
  /** The page for people, where there is one. */
  readonly dashboardUrl?: string;
  readonly adminKey: string;
  readonly teams: Readonly<Record<string, { readonly key: string; readonly model: string | undefined }>>;
  /** A line for the person who started it: what will not work, or what else is there. */
  readonly warning: string | undefined;
  readonly hint?: string;
  /** Lets requests in flight finish and settle, then stops everything. */
  close(): Promise<void>;
};

/** How long the projector may take, in milliseconds: as deployed. */
const PROJECTOR_TIMEOUT_MS = 60_000;

type StreamHandler = (event: object, context: object) => Promise<unknown>;
/** The functions, and how the gateway writes down what it still has to tell. */
type LoadedFunctions = HostedFunctions &
  Pick<LedgerStreamConsumerProps, 'project'> & { readonly finish: CloseFunction };
type CloseFunction = () => Promise<void> | void;

/**
 * Starts the gateway of the settings: the functions that are deployed, over local stand-ins of the services they use.
 *
 * @throws StartError or ConfigError with one line for the person who started it.
 */
export async function startLocalGateway(settings: Settings): Promise<LocalGateway> {
  const configuration = await loadConfiguration(settings.environmentFile, settings.catalogFile);
  const closeFunctions: CloseFunction[] = [];
  const closeAll = async () => {
    for (const close of closeFunctions.reverse()) await close();
  };
  try {
    return await startServices(settings, configuration, closeFunctions, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function startServices(
  settings: Settings,
  configuration: Configuration,
  closeFunctions: CloseFunction[],
  closeAll: () => Promise<void>,
): Promise<LocalGateway> {
  const { dataDir, environmentName } = settings;
  createDataDir(dataDir);
  const lock = settings.dynamodbEndpoint === undefined ? await lockDataDir(dataDir) : undefined;
  if (lock !== undefined) closeFunctions.push(lock.release);
  const embeddedFile = settings.dynamodbEndpoint === undefined ? `${dataDir}/dynamodb.sqlite` : undefined;
  const embedded = embeddedFile === undefined ? undefined : await startEmbeddedDynamodb(embeddedFile);
  if (embedded !== undefined) closeFunctions.push(embedded.close);
  const upstream = settings.upstream ?? (await startDefaultUpstream(closeFunctions));
  const teamNames = [...configuration.environment.teams.keys()];
  const rotations = new GroqRotationScheduler();
  const secretsEndpoint =
    settings.secretsEndpoint ??
    (await startLocalSecretsManager(environmentName, teamNames, upstream, rotations, closeFunctions));

  setFunctionEnvironment(
    settings,
    embedded?.endpoint ?? settings.dynamodbEndpoint ?? '',
    secretsEndpoint,
    upstream.baseUrl,
  );
  setAlertEnvironment(configuration);
  const client = new DynamoDBClient({});
  closeFunctions.push(rotations.begin({ environmentName, dataDir, groqBaseUrl: upstream.baseUrl, dynamo: client }));
  const seed = loadKeySeed(dataDir);
  const ledgerStream = await createTables(client, environmentName);
  const teams = await publishConfiguration(client, settings, configuration, seed, embedded !== undefined);
  const admin = await ensureKey(client, environmentName, seed, 'admin');

  const functions = await loadFunctions();
  closeFunctions.push(() => client.destroy());
  closeFunctions.push(
    startLedgerStreamConsumer(client, environmentName, ledgerStream, functions.project, embeddedFile),
  );
  closeFunctions.push(scheduleSweeps(client, environmentName));
  closeFunctions.push(functions.finish);
  const host = await listen({ ...functions, files: dashboardFiles() }, settings.port);
  closeFunctions.push(host.close);
  const dynamodbEndpoint = process.env.AWS_ENDPOINT_URL_DYNAMODB ?? '';
  const [ledgerTable, registryTable] = [`${environmentName}-ledger`, `${environmentName}-registry`];
  const { baseUrl: groqBaseUrl } = upstream;
  const running = {
    pid: process.pid,
    environmentName,
    baseUrl: host.baseUrl,
    dynamodbEndpoint,
    secretsEndpoint,
    groqBaseUrl,
  };
  closeFunctions.push(
    registerRunningGateway(dataDir, { ...running, ledgerTable, registryTable, usageTable: `${environmentName}-usage` }),
  );
  return {
    baseUrl: host.baseUrl,
    upstreamUrl: upstream.baseUrl,
    dashboardUrl: host.baseUrl + DASHBOARD_PATH,
    adminKey: admin,
    teams,
    warning: await upstreamWarning(upstream.baseUrl),
    close: closeAll,
  };
}

/** As often as deployed, and the same: expires what nobody came back for, and tells what budgets have crossed. */
function scheduleSweeps(client: DynamoDBClient, environmentName: string): () => void {
  const sweep = createSweepHandler({
    policies: new Registry(client, `${environmentName}-registry`, Date.now),
    ledger: new DynamoLedger(client, `${environmentName}-ledger`, Date.now),
    clock: systemClock,
    alerts: createAlertPorts(client),
    environmentName,
    // Nobody watches metrics here.
    write: () => {},
  });
  // What fails is tried again the next time.
  const sweepOnce = () =>
    void sweep({}, lambdaContext('sweeper', randomUUID(), SWEEP_INTERVAL_MS)).catch(() => undefined);
  const timer = setInterval(sweepOnce, SWEEP_INTERVAL_MS).unref();
  return () => clearInterval(timer);
}

async function startDefaultUpstream(closeFunctions: CloseFunction[]): Promise<{ baseUrl: string; apiKey: string }> {
  // Loaded only when it is wanted: a gateway on the real Groq carries no fake.
  const { startFakeGroq } = await import('./fake-groq/server.ts');
  const fake = await startFakeGroq({});
  closeFunctions.push(fake.close);
  return { baseUrl: fake.baseUrl, apiKey: 'gsk_fake' };
}

/** A Secrets Manager of this process's own, in which every team has the one key of the settings. */
async function startLocalSecretsManager(
  environmentName: string,
  teams: readonly string[],
  { apiKey }: { readonly apiKey: string },
  rotations: GroqRotationScheduler,
  closeFunctions: CloseFunction[],
): Promise<string> {
  const manager = new LocalSecretsManager({ rotate: async (event) => await rotations.rotate(event) });
  rotations.secrets = manager.client;
  for (const team of teams) {
    const Name = groqSecretName(team, environmentName);
    manager.handle('CreateSecret', { Name, SecretString: JSON.stringify({ apiKey }) });
  }
  const { endpoint, close } = await startSecretsEndpoint(manager);
  closeFunctions.push(close);
  return endpoint;
}

/** The variables that a deployment sets for its functions. */
function setFunctionEnvironment(
  settings: Settings,
  dynamodb: string,
  secretsManager: string,
  groqBaseUrl: string,
): void {
  Object.assign(process.env, {
    [ENV.environmentName]: settings.environmentName,
    [ENV.ledgerTable]: `${settings.environmentName}-ledger`,
    [ENV.registryTable]: `${settings.environmentName}-registry`,
    [ENV.usageTable]: `${settings.environmentName}-usage`,
    [ENV.groqBaseUrl]: groqBaseUrl,
    // Where nobody wants them, a line a request must not fill the terminal.
    [ENV.metricsFile]: settings.metricsFile ?? devNull,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
  delete process.env.AWS_PROFILE;
  delete process.env.AWS_SESSION_TOKEN;
}

/** What a deployment tells the functions of alerts, but for a bus: they are told by the log. */
function setAlertEnvironment({ environment }: Configuration): void {
  const { alertsPercent, alertsUsd } = environment.organization;
  Object.assign(process.env, {
    [ENV.alertPercents]: alertsPercent.join(','),
    [ENV.alertUsd]: alertsUsd.join(','),
  });
}

/** Writes policies and keys, and moves budgets that have changed since the last start. */
async function publishConfiguration(
  client: DynamoDBClient,
  settings: Settings,
  configuration: Configuration,
  seed: Buffer,
  isEmbedded: boolean,
): Promise<LocalGateway['teams']> {
  const { environmentName } = settings;
  const { environment, environmentFile, catalog, catalogFile } = configuration;
  const registryTable = `${environmentName}-registry`;
  const ledger = new DynamoLedger(client, `${environmentName}-ledger`, Date.now);
  const ports = {
    policies: new Registry(client, registryTable, Date.now),
    ledger: new DynamoBudgets(client, `${environmentName}-ledger`, Date.now),
    audit: new DynamoAuditLog(client, registryTable),
    nowEpochMs: Date.now(),
  };
  await publishPolicies(ports, {
    environment: environmentFile,
    catalog: catalogFile,
    infrastructure: {},
    infrastructureBefore: undefined,
    actor: 'npm start',
    requestId: randomUUID(),
  });
  const teams: Record<string, { key: string; model: string | undefined }> = {};
  for (const [team, policy] of environment.teams) {
    // The database was this process's predecessor's alone, so whatever it left open can have no one to settle it.
    if (isEmbedded) await expireOrphanedReservations(ledger, team);
    teams[team] = {
      key: await ensureKey(client, environmentName, seed, team),
      model: findServedModel(policy, catalog),
    };
  }
  return teams;
}

const MS_PER_DAY = 86_400_000;
const SWEEP_INTERVAL_MS = 300_000;

async function expireOrphanedReservations(ledger: DynamoLedger, team: string): Promise<void> {
  const nowEpochMs = Date.now();
  for (const period of new Set([periodAt(nowEpochMs), periodAt(nowEpochMs - MS_PER_DAY)])) {
    const state = await ledger.read({ team, period });
    await ledger.expire({ team, period }, [...(state?.open.values() ?? [])]);
  }
}

async function ensureKey(
  client: DynamoDBClient,
  environmentName: string,
  seed: Buffer,
  holder: string,
): Promise<string> {
  const { key, keyId } = deriveKey(seed, environmentName, holder);
  const keys = new DynamoKeyStore(client, `${environmentName}-registry`, Date.now);
  const identity =
    holder === 'admin' ? { keyId, role: 'admin' as const } : { keyId, role: 'member' as const, team: holder };
  // Never anew: a key that was revoked or rotated must stay so.
  if (await keys.has(keyId)) return key;
  await keys.put(key, { ...identity, name: `${holder}-${environmentName}-local`, createdAtEpochMs: Date.now() });
  return key;
}

/** Loads the very entry points that are deployed; they read their variables as they load. */
async function loadFunctions(): Promise<LoadedFunctions> {
  installLambdaRuntime();
  const { handler: authorizer } = await import('../lambda/functions/authorizer.ts');
  const { handler: gateway, finish } = await import('../lambda/functions/gateway.ts');
  const { handler: admin } = await import('../lambda/functions/admin.ts');
  const { handler: projector } = await import('../lambda/functions/projector.ts');
  const project = async (event: object) =>
    await (projector as StreamHandler)(event, lambdaContext('projector', randomUUID(), PROJECTOR_TIMEOUT_MS));
  return { authorizer, gateway, admin, project, finish } as unknown as LoadedFunctions;
}

async function listen(functions: HostedFunctions, port: number) {
  try {
    return await startHost(functions, port);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    const why = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${cause.code})`;
    throw new StartError(`port ${port} ${why}; set PORT to another, or to 0 for a free one`, { cause });
  }
}

async function upstreamWarning(baseUrl: string): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(baseUrl);
  const isReachable = await isListening(Number(port || (protocol === 'https:' ? 443 : 80)), hostname);
  return isReachable
    ? undefined
    : `the upstream ${baseUrl} cannot be reached; until it can, calls are answered by 503 and cost nothing`;
}
