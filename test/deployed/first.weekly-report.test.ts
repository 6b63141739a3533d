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

// CloudFormation cannot delete a bucket with objects.
afterAll(async () => {
  const Objects = (await keysIn()).map((Key) => ({ Key }));
  if (Objects.length > 0) await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
});

it('writes a week to the bucket by the deployed function, and again on a retry', async () => {
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
  // groq-rbac report returns the same.
  const args = [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'report', '--env', target.environmentName, '--week', week];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, '--format', 'json']);
  const byCommand = JSON.parse(stdout).data[0];
  const names = (teams: readonly { team: string }[]) => teams.map(({ team }) => team).sort();
  expect(names(byCommand.teams)).toEqual(names(teams));
});

it('renders the dashboard widget by the deployed function', async () => {
  const { status, error, text } = await invokeFunction('WidgetRendererFunction', {
    widgetContext: { theme: 'dark', timeRange: { end: Date.now() } },
  });
  expect([status, error]).toEqual([200, null]);
  expect(JSON.parse(text)).toContain(`Week ${week}`);
  const described = await invokeFunction('WidgetRendererFunction', { describe: true });
  expect(JSON.parse(described.text)).toContain('## Groq spending of a week');
});
