import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { startSecretsEndpoint } from '../../../local/secrets-manager/secrets-endpoint.ts';
import {
  LocalSecretsManager,
  type LocalSecretsManagerOptions,
} from '../../../local/secrets-manager/secrets-manager.ts';

const SecretId = 'groq/roomy-test-gateway';
const START_MS = Date.UTC(2026, 10, 25, 12, 0, 0, 250);
const closings: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closings) await close();
});

/** The same rules hold for the class and for its HTTP endpoint. */
const CLIENTS: Readonly<Record<string, (manager: LocalSecretsManager) => Promise<SecretsManagerClient>>> = {
  'in memory': async (manager) => manager.client,
  'over HTTP': async (manager) => {
    const { endpoint, close } = await startSecretsEndpoint(manager);
    closings.push(close);
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    return new SecretsManagerClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  },
};

describe.each(Object.entries(CLIENTS))("Secrets Manager's rules, %s", (_kind, createClient) => {
  async function withSecret(options: LocalSecretsManagerOptions = {}) {
    const client = await createClient(new LocalSecretsManager({ nowEpochMs: () => START_MS, ...options }));
    await client.send(
      new CreateSecretCommand({ Name: SecretId, SecretString: 'one', ClientRequestToken: 'v1'.padEnd(32, 'x') }),
    );
    const put = async (id: string, text: string, ...VersionStages: string[]) => {
      const ClientRequestToken = id.padEnd(32, 'x');
      await client.send(
        new PutSecretValueCommand({
          SecretId,
          ClientRequestToken,
          SecretString: text,
          ...(VersionStages.length > 0 ? { VersionStages } : {}),
        }),
      );
    };
    const move = async (VersionStage: string, to?: string, from?: string) =>
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage,
          ...(to === undefined ? {} : { MoveToVersionId: to.padEnd(32, 'x') }),
          ...(from === undefined ? {} : { RemoveFromVersionId: from.padEnd(32, 'x') }),
        }),
      );
    const labels = async () => {
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
      return Object.fromEntries(
        Object.entries(VersionIdsToStages).map(([id, all]) => [id.slice(0, 2), [...all].sort()]),
      );
    };
    const read = async (VersionStage?: string) =>
      await client.send(
        new GetSecretValueCommand({ SecretId, ...(VersionStage === undefined ? {} : { VersionStage }) }),
      );
    return { client, put, move, labels, read };
  }

  it('reads the current version with its date, and another by its label or id', async () => {
    const { client, put, read } = await withSecret();
    await put('v2', 'two', 'STAGED-a');
    expect(await read()).toMatchObject({
      SecretString: 'one',
      VersionStages: ['AWSCURRENT'],
      CreatedDate: new Date(START_MS),
    });
    expect(await read('STAGED-a')).toMatchObject({ SecretString: 'two' });
    const VersionId = 'v2'.padEnd(32, 'x');
    expect(await client.send(new GetSecretValueCommand({ SecretId, VersionId }))).toMatchObject({
      SecretString: 'two',
    });
    const both = new GetSecretValueCommand({ SecretId, VersionId, VersionStage: 'AWSCURRENT' });
    await expect(client.send(both)).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });

  it('finds a secret by its ARN too, and rejects unknown secrets, versions and labels', async () => {
    const { client, read, move } = await withSecret();
    const { ARN } = await client.send(new DescribeSecretCommand({ SecretId }));
    expect(await client.send(new GetSecretValueCommand({ SecretId: ARN }))).toMatchObject({ SecretString: 'one' });
    const notFound = { name: 'ResourceNotFoundException' };
    await expect(client.send(new GetSecretValueCommand({ SecretId: 'groq/other' }))).rejects.toMatchObject(notFound);
    await expect(read('AWSPREVIOUS')).rejects.toMatchObject(notFound);
    await expect(move('STAGED-a', 'v9')).rejects.toMatchObject(notFound);
  });

  it('has no current value in a secret that was created without one', async () => {
    const client = await createClient(new LocalSecretsManager());
    await client.send(new CreateSecretCommand({ Name: SecretId }));
    await expect(client.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('labels the formerly current version AWSPREVIOUS after a put and after a move', async () => {
    const { put, move, labels } = await withSecret();
    await put('v2', 'two');
    expect(await labels()).toEqual({ v1: ['AWSPREVIOUS'], v2: ['AWSCURRENT'] });
    await put('v3', 'three', 'AWSPENDING');
    await move('AWSCURRENT', 'v3', 'v2');
    // The first version has no label any more.
    expect(await labels()).toEqual({ v2: ['AWSPREVIOUS'], v3: ['AWSCURRENT', 'AWSPENDING'] });
    await move('AWSCURRENT', 'v2', 'v3');
    expect(await labels()).toEqual({ v2: ['AWSCURRENT'], v3: ['AWSPENDING', 'AWSPREVIOUS'] });
  });

  it('lists versions without a label only on request', async () => {
    const { client, put } = await withSecret();
    await put('v2', 'two');
    await put('v3', 'three');
    const listIds = async (IncludeDeprecated: boolean) => {
      const { Versions = [] } = await client.send(new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated }));
      return Versions.map(({ VersionId }) => VersionId?.slice(0, 2));
    };
    expect(await listIds(false)).toEqual(['v2', 'v3']);
    expect(await listIds(true)).toEqual(['v1', 'v2', 'v3']);
  });

  it("never changes a version's value, and accepts a retry with the same one", async () => {
    const { put, read } = await withSecret();
    await put('v2', 'two', 'AWSPENDING');
    await put('v2', 'two', 'AWSPENDING');
    await expect(put('v2', 'other', 'AWSPENDING')).rejects.toMatchObject({ name: 'ResourceExistsException' });
    expect(await read('AWSPENDING')).toMatchObject({ SecretString: 'two' });
  });

  it('moves a label only from the version that has it, and never removes AWSCURRENT', async () => {
    const { put, move, labels } = await withSecret();
    await put('v2', 'two', 'STAGED-a');
    const invalid = { name: 'InvalidParameterException' };
    await expect(move('AWSCURRENT', 'v2')).rejects.toMatchObject(invalid);
    await expect(move('AWSCURRENT', 'v2', 'v2')).rejects.toMatchObject(invalid);
    await expect(move('AWSCURRENT', undefined, 'v1')).rejects.toMatchObject(invalid);
    await move('AWSCURRENT', 'v1', 'v1');
    await move('STAGED-a', undefined, 'v2');
    expect(await labels()).toEqual({ v1: ['AWSCURRENT'] });
  });

  it('accepts twenty labels at most', async () => {
    const { put } = await withSecret();
    for (let n = 2; n <= 20; n++) await put(`s${n}`, `${n}`, `STAGED-${n}`);
    await expect(put('s21', '21', 'STAGED-21')).rejects.toMatchObject({ name: 'LimitExceededException' });
  });

  it('rotates in four steps on a version without a value, and starts no second rotation meanwhile', async () => {
    const steps: string[] = [];
    const { client, labels, read, put } = await withSecret({ rotate: async ({ Step }) => steps.push(Step) });
    const ClientRequestToken = 'v2'.padEnd(32, 'x');
    await client.send(new RotateSecretCommand({ SecretId, ClientRequestToken }));
    await vi.waitFor(() => expect(steps).toEqual(['createSecret', 'setSecret', 'testSecret', 'finishSecret']));
    expect(await labels()).toEqual({ v1: ['AWSCURRENT'], v2: ['AWSPENDING'] });
    await expect(read('AWSPENDING')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(
      client.send(new RotateSecretCommand({ SecretId, ClientRequestToken: 'v3'.padEnd(32, 'x') })),
    ).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
    await put('v2', 'two', 'AWSPENDING');
    expect(await read('AWSPENDING')).toMatchObject({ SecretString: 'two' });
  });
});
