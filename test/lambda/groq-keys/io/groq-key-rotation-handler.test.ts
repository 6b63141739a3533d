import type { SecretsManagerRotationEvent } from 'aws-lambda';
import { expect, it } from 'vitest';
import { deriveGroqKeyId } from '../../../../lambda/groq/io/groq-key-id.ts';
import { createGroqKeyRotationHandler } from '../../../../lambda/groq-keys/io/groq-key-rotation-handler.ts';
import { CANARY_TEAM } from '../../../../lambda/policy/canary-team.ts';
import type { TeamPolicy } from '../../../../lambda/policy/environment.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { CatalogWatchRig } from '../../../support/keys/catalog-watch.ts';
import { GroqKeyTestRig, ROTATION_STEPS, rotationToken, TEAM } from '../../../support/keys/groq-key-rig.ts';

const DAY_MS = 86_400_000;

/** Creates the handler over a test rig, and collects its log. */
function createHandler(rig: GroqKeyTestRig, teams: readonly string[] = [TEAM], watch = new CatalogWatchRig()) {
  const lines: string[] = [];
  const started: string[] = [];
  const policyFor = (team: string) => ({ team, groqKeySource: rig.source, rotateGroqKeyEveryDays: 30 }) as TeamPolicy;
  const handler = createGroqKeyRotationHandler({
    ...rig.ports,
    ...watch.ports,
    notifier: { ...rig.ports.notifier, notifyDifferences: watch.notifyDifferences },
    secretFor: () => rig.secret,
    secretForTeam: (team) => {
      if (team !== TEAM) throw new Error('there is no such secret');
      return rig.secret;
    },
    startRotation: async (team, functionArn) => void started.push(`${team} by ${functionArn}`),
    policies: async () => new Map(teams.map((team) => [team, policyFor(team)])),
    nowEpochMs: () => rig.nowEpochMs,
    log: (event, facts) => void lines.push(JSON.stringify({ event, ...facts })),
    write: (line) => void lines.push(line),
  });
  const run = async (event: Parameters<typeof handler>[0]) => await handler(event, lambdaContext('groq', 'r', 30_000));
  const step = async (Step: SecretsManagerRotationEvent['Step'], ClientRequestToken: string) =>
    await run({ Step, SecretId: 'arn', ClientRequestToken });
  return { run, step, lines, started };
}

it('rotates as Secrets Manager asks, step by step, and logs no key', async () => {
  const rig = new GroqKeyTestRig();
  rig.stage('gsk_second');
  const { step, lines } = createHandler(rig);
  rig.begin(rotationToken('a'));
  for (const name of ROTATION_STEPS) await step(name, rotationToken('a'));
  expect(await rig.current()).toBe('gsk_second');
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(Array(4).fill('groq_rotation_step'));
  expect(lines.join()).not.toContain('gsk_');
});

it('writes the alarm metric and fails the step when no key is staged', async () => {
  const rig = new GroqKeyTestRig();
  const { step, lines } = createHandler(rig);
  rig.begin(rotationToken('a'));
  await expect(step('createSecret', rotationToken('a'))).rejects.toThrow('team chatbot has no staged key');
  const metric = JSON.parse(lines[0] ?? '');
  expect(metric).toMatchObject({
    event: 'staged_key_missing',
    Environment: 'prod',
    StagedGroqKeysMissing: 1,
    team: TEAM,
  });
  expect(metric._aws.CloudWatchMetrics[0]).toMatchObject({ Namespace: 'GroqGateway', Dimensions: [['Environment']] });
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ event: 'groq_rotation_failed', error: 'StagedKeyMissing' });
});

it('watches by schedule, and starts a rotation by its own ARN', async () => {
  const rig = new GroqKeyTestRig();
  const { run, started, lines } = createHandler(rig);
  await run({ job: 'watch' });
  rig.stage('gsk_second');
  rig.nowEpochMs += 30 * DAY_MS;
  await run({ job: 'watch' });
  expect(started).toEqual([`${TEAM} by ${lambdaContext('groq', 'r', 30_000).invokedFunctionArn}`]);
  expect(lines.map((line) => JSON.parse(line).done)).toEqual(['accepted', 'rotation started']);
});

it('runs for all teams before it fails for one', async () => {
  const rig = new GroqKeyTestRig();
  const { run, lines } = createHandler(rig, ['gone', TEAM]);
  await expect(run({ job: 'watch' })).rejects.toThrow('could not watch the Groq keys of gone');
  expect(lines.join()).toContain('"done":"accepted"');
});

it("skips the deployment check's own team, which has no secret", async () => {
  const rig = new GroqKeyTestRig();
  const { run, lines } = createHandler(rig, [CANARY_TEAM, TEAM]);
  await run({ job: 'watch' });
  await run({ job: 'retire' });
  expect(lines).toHaveLength(1);
});

it('retires by schedule', async () => {
  const rig = new GroqKeyTestRig();
  rig.stage('gsk_second');
  await rig.rotate(rotationToken('a'));
  rig.nowEpochMs += DAY_MS;
  const { run, lines } = createHandler(rig);
  await run({ job: 'retire' });
  const events = lines.map((line) => JSON.parse(line)).map(({ event, groqKeyId }) => [event, groqKeyId]);
  const first = deriveGroqKeyId('gsk_first');
  expect(events).toEqual([
    ['groq_key_retired', first],
    ['groq_key_deletion_pending', first],
  ]);
});

it('compares the catalog by schedule, and writes the metric of the alarm and each difference', async () => {
  const watch = new CatalogWatchRig();
  const { run, lines } = createHandler(new GroqKeyTestRig(), [CANARY_TEAM, TEAM], watch);
  await run({ job: 'catalog' });
  watch.change('openai/gpt-oss-20b', { contextWindow: 65_536 });
  await run({ job: 'catalog' });
  watch.listed = undefined;
  await run({ job: 'catalog' });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { event: 'catalog_compared', Environment: 'prod', CatalogDifferences: 0 },
    { event: 'catalog_compared', CatalogDifferences: 1 },
    { event: 'catalog_differs', model: 'openai/gpt-oss-20b', field: 'contextWindow', catalog: '131072', groq: '65536' },
    { event: 'catalog_not_compared' },
  ]);
  expect(lines.join()).not.toContain('gsk_');
});
