import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, expect, it } from 'vitest';
import { weekAt } from '../../lambda/reporting/iso-week.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import { requireDeployed } from '../support/gateway/target.ts';
import { invokeFunction } from '../support/stack/deployed-function.ts';
import { findDeployedResource } from '../support/stack/deployed-resources.ts';

const target = requireDeployed();
const s3 = new S3Client({ forcePathStyle: true });
const week = weekAt(Date.now());
const Bucket = await findDeployedResource('AWS::S3::Bucket', 'Reports');
const keysIn = async (Prefix = '') =>
  (await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents?.map(({ Key }) => Key) ?? [];

// CloudFormation deletes no bucket that holds anything.
afterAll(async () => {
  const Objects = (await keysIn()).map((Key) => ({ Key }));
  if (Objects.length > 0) await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
});

it('writes a week to the bucket as often as it is told to, by the function that was deployed', async () => {
  for (const _ of ['once', 'again']) {
    const invoked = await invokeFunction('ReporterFunction', { week });
    expect(invoked, invoked.text).toMatchObject({ status: 200, error: null });
  }
  expect(await keysIn('weekly/')).toEqual(
    ['delivered.txt', 'focus.csv', 'report.csv', 'report.html', 'report.json'].map((file) => `weekly/${week}/${file}`),
  );
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: `weekly/${week}/report.json` }));
  const { data } = JSON.parse((await Body?.transformToString()) ?? '');
  const { teams } = data[0];
  expect(data[0]).toMatchObject({ environment: target.environmentName, week });
  // The same by hand.
  const args = [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'report', '--env', target.environmentName, '--week', week];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, '--format', 'json']);
  const byHand = JSON.parse(stdout).data[0];
  const names = (some: readonly { team: string }[]) => some.map(({ team }) => team).sort();
  expect(names(byHand.teams)).toEqual(names(teams));
});

it('draws the widget of a dashboard, by the function that was deployed', async () => {
  const { status, error, text } = await invokeFunction('WidgetRendererFunction', {
    widgetContext: { theme: 'dark', timeRange: { end: Date.now() } },
  });
  expect([status, error]).toEqual([200, null]);
  expect(JSON.parse(text)).toContain(`Week ${week}`);
  const described = await invokeFunction('WidgetRendererFunction', { describe: true });
  expect(JSON.parse(described.text)).toContain('## Groq spending of a week');
});
