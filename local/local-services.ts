import { readFile } from 'node:fs/promises';
import { groqSecretName } from '../lambda/contract.ts';
import { lockDataDir } from './data-dir.ts';
import { startEmbeddedDynamodb } from './dynamodb/embedded-dynamodb.ts';
import type { ServiceEndpoints } from './function-environment.ts';
import type { GroqRotationScheduler } from './secrets-manager/groq-rotation-scheduler.ts';
import { startSecretsEndpoint } from './secrets-manager/secrets-endpoint.ts';
import { LocalSecretsManager } from './secrets-manager/secrets-manager.ts';
import type { Settings } from './settings.ts';

/** Releases what a start has acquired. */
export type Cleanup = () => Promise<void> | void;

type Upstream = NonNullable<Settings['upstream']>;

/**
 * Starts a stand-in for each service that the settings do not name: DynamoDB, Groq and Secrets Manager. Pushes what stops
 * them onto `cleanups`.
 *
 * @returns the endpoints, and the embedded database's file if there is one
 * @throws StartError if another gateway uses the data folder, or the database does not start.
 */
export async function startLocalServices(
  settings: Settings,
  teams: Iterable<string>,
  rotations: GroqRotationScheduler,
  cleanups: Cleanup[],
): Promise<ServiceEndpoints & { readonly embeddedFile: string | undefined }> {
  const { dataDir, environmentName, dynamodbEndpoint, secretsEndpoint } = settings;
  const embeddedFile = dynamodbEndpoint === undefined ? `${dataDir}/dynamodb.sqlite` : undefined;
  if (embeddedFile !== undefined) cleanups.push((await lockDataDir(dataDir)).release);
  const dynamodb = dynamodbEndpoint ?? (await startDynamodb(embeddedFile, cleanups));
  const upstream = settings.upstream ?? (await startFakeUpstream(settings.catalogFile, cleanups));
  const secretNames = [...teams].map((team) => groqSecretName(team, environmentName));
  const secretsManager = secretsEndpoint ?? (await startSecretsManager(secretNames, upstream, rotations, cleanups));
  return { dynamodb, secretsManager, groqBaseUrl: upstream.baseUrl, embeddedFile };
}

async function startDynamodb(file: string | undefined, cleanups: Cleanup[]): Promise<string> {
  const embedded = await startEmbeddedDynamodb(file);
  cleanups.push(embedded.close);
  return embedded.endpoint;
}

async function startFakeUpstream(catalogPath: string, cleanups: Cleanup[]): Promise<Upstream> {
  // Loaded on demand, so that a gateway on the real Groq contains no fake.
  const { startFakeGroq } = await import('./fake-groq/server.ts');
  const fake = await startFakeGroq({ catalogFile: JSON.parse(await readFile(catalogPath, 'utf8')) });
  cleanups.push(fake.close);
  return { baseUrl: fake.baseUrl, apiKey: 'gsk_fake' };
}

/** Starts a Secrets Manager in this process, with the settings' Groq key in every secret. */
async function startSecretsManager(
  secretNames: readonly string[],
  { apiKey }: Upstream,
  rotations: GroqRotationScheduler,
  cleanups: Cleanup[],
): Promise<string> {
  const manager = new LocalSecretsManager({ rotate: async (event) => await rotations.rotate(event) });
  rotations.secrets = manager.client;
  for (const Name of secretNames) manager.handle('CreateSecret', { Name, SecretString: JSON.stringify({ apiKey }) });
  const { endpoint, close } = await startSecretsEndpoint(manager);
  cleanups.push(close);
  return endpoint;
}
