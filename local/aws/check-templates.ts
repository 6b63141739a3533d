import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { REQUIREMENTS_FILE } from '../emulator/emulator.ts';
import { ensureVenv } from '../emulator/python.ts';
import { PROJECT_DIR, StartError } from '../settings.ts';
import { run } from './run-command.ts';

/*
 * npm run templates: runs cfn-lint and checkov on the templates of every environment, and of two more environments that use
 * the remaining settings. checkov.yaml lists the skipped checks with their reasons.
 */

const teams = { one: { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 1, requestsPerDay: 10 } };
/** Environments with the settings that config/environments does not use. */
const EXTRA_ENVIRONMENTS: Readonly<Record<string, EnvironmentFile>> = {
  everything: {
    deployment: {
      tracing: true,
      webAcl: {},
      secretsKmsKeyArn: 'arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000',
      operators: ['operator@example.com'],
      webhook: { kind: 'teams', secretName: 'alerts/teams' },
      customDomain: {
        name: 'groq.example.com',
        certificateArn: 'arn:aws:acm:us-east-1:111111111111:certificate/00000000-0000-0000-0000-000000000000',
        hostedZone: { id: 'Z0000000000000', name: 'example.com' },
      },
    },
    teams: {
      one: { ...teams.one, rotateKeyEveryDays: 30, rotateGroqKeyEveryDays: 90, alertRecipients: ['lead@example.com'] },
    },
  },
  inside: { deployment: { privateEndpoint: { vpcEndpointIds: ['vpce-0123456789abcdef0'] } }, teams },
};

async function main(): Promise<boolean> {
  const { bin } = await ensureVenv(REQUIREMENTS_FILE);
  const folder = mkdtempSync(join(tmpdir(), 'templates-'));
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const env = { ...process.env, PATH: path };
  const check = async (title: string, command: string, args: readonly string[]): Promise<boolean> => {
    const { code, output } = await run(command, args, env, () => {});
    console.log(code === 0 ? `ok   ${title}` : `FAIL ${title}\n${output}`);
    return code === 0;
  };
  try {
    const cdk = join(PROJECT_DIR, 'node_modules/aws-cdk/bin/cdk');
    const synth = async (name: string, context: readonly string[]) =>
      await check(`cdk synth: ${name}`, process.execPath, [
        cdk,
        'synth',
        '--quiet',
        '--output',
        join(folder, name),
        ...context,
      ]);
    const results = [await synth('config', [])];
    for (const [name, content] of Object.entries(EXTRA_ENVIRONMENTS)) {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, JSON.stringify(content));
      results.push(await synth(name, ['-c', `environmentFile=${file}`]));
    }
    const templates = globSync(join(folder, '*/*.template.json'));
    results.push(
      await check(`cfn-lint: ${templates.length} templates`, join(bin, 'cfn-lint'), [
        '--non-zero-exit-code',
        'error',
        '--ignore-checks',
        'W',
        '--',
        ...templates,
      ]),
      await check('checkov, except for the checks that local/aws/checkov.yaml skips', join(bin, 'checkov'), [
        '--directory',
        folder,
        '--config-file',
        join(import.meta.dirname, 'checkov.yaml'),
      ]),
    );
    return results.every(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  (isGood) => process.exit(isGood ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof StartError ? `error: ${error.message}` : error);
    process.exit(1);
  },
);
