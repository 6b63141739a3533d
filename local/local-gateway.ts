import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Configuration, loadConfiguration } from './configuration.ts';
import { createDataDir, loadKeySeed } from './data-dir.ts';
import { isListening } from './dynamodb/embedded-dynamodb.ts';
import { startLedgerStreamConsumer } from './dynamodb/ledger-stream-consumer.ts';
import { createTables, localTableNames } from './dynamodb/tables.ts';
import { setFunctionEnvironment } from './function-environment.ts';
import { DASHBOARD_PATH, dashboardFiles } from './host/dashboard-files.ts';
import { type HostedFunctions, startHost } from './host/host.ts';
import { loadFunctions, scheduleSweeps } from './local-functions.ts';
import { type Cleanup, startLocalServices } from './local-services.ts';
import { expireOrphanedReservations, type LocalKeys, publishConfiguration } from './publish-configuration.ts';
import { registerRunningGateway } from './running-gateway.ts';
import { GroqRotationScheduler } from './secrets-manager/groq-rotation-scheduler.ts';
import { type Settings, StartError } from './settings.ts';

/** A running local gateway. */
export type LocalGateway = LocalKeys & {
  readonly baseUrl: string;
  readonly upstreamUrl: string;
  /** URL of the dashboard page. @default none */
  readonly dashboardUrl?: string;
  /** One line for the terminal about something that will not work. */
  readonly warning: string | undefined;
  /** One line for the terminal about what else is available. @default none */
  readonly hint?: string;
  /** Waits until requests in flight have settled, then stops everything. */
  close(): Promise<void>;
};

/**
 * Starts a gateway: the deployed functions over local stand-ins for AWS services.
 *
 * @throws StartError or ConfigError with one line for the terminal.
 */
export async function startLocalGateway(settings: Settings): Promise<LocalGateway> {
  const configuration = await loadConfiguration(settings.environmentFile, settings.catalogFile);
  const cleanups: Cleanup[] = [];
  const closeAll = async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  };
  try {
    return { ...(await startServices(settings, configuration, cleanups)), close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function startServices(
  settings: Settings,
  configuration: Configuration,
  cleanups: Cleanup[],
): Promise<Omit<LocalGateway, 'close'>> {
  const { dataDir, environmentName } = settings;
  const { teams, organization } = configuration.environment;
  const tables = localTableNames(environmentName);
  createDataDir(dataDir);
  const rotations = new GroqRotationScheduler();
  const { embeddedFile, ...endpoints } = await startLocalServices(settings, teams.keys(), rotations, cleanups);
  setFunctionEnvironment(settings, tables, endpoints, organization);

  const { groqBaseUrl } = endpoints;
  const client = new DynamoDBClient({});
  cleanups.push(rotations.begin({ environmentName, dataDir, groqBaseUrl, dynamo: client, tables }));
  const keySeed = loadKeySeed(dataDir);
  const ledgerStream = await createTables(client, tables);
  const stores = { client, tables, environmentName, keySeed };
  const keys = await publishConfiguration(stores, configuration);
  // The lock makes this process the only user of an embedded database.
  if (embeddedFile !== undefined) await expireOrphanedReservations(stores, teams.keys());

  // Cleanups run in reverse: first the host stops, then buffers and the stream are drained, and the client goes last.
  const functions = await loadFunctions();
  cleanups.push(() => client.destroy());
  cleanups.push(startLedgerStreamConsumer(client, tables, ledgerStream, functions.project, embeddedFile));
  cleanups.push(scheduleSweeps(client, environmentName, tables));
  cleanups.push(functions.finish);
  const host = await listen({ ...functions, files: dashboardFiles() }, settings.port);
  cleanups.push(host.close);
  const { baseUrl } = host;
  cleanups.push(
    registerRunningGateway(dataDir, {
      pid: process.pid,
      environmentName,
      baseUrl,
      dynamodbEndpoint: endpoints.dynamodb,
      secretsEndpoint: endpoints.secretsManager,
      groqBaseUrl,
      ...tables,
    }),
  );
  return {
    ...keys,
    baseUrl,
    upstreamUrl: groqBaseUrl,
    dashboardUrl: baseUrl + DASHBOARD_PATH,
    warning: await upstreamWarning(groqBaseUrl),
  };
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
