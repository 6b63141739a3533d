import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PROJECT_DIR, StartError } from '../settings.ts';
import {
  type CommandResult,
  REHEARSAL_ENVIRONMENT,
  type RehearsalAccount,
  run,
  startRehearsalAccount,
} from './rehearsal-account.ts';
import { changedEnvironment, rehearsalEnvironment } from './rehearsal-environment.ts';

/*
 * npm run rehearse: deploys the whole stack into an AWS on this machine by the commands a person types, and tests what
 * was deployed: first as it is, then after a change of policies, after changes that must be refused, and after its end.
 */

const VERBOSE = process.argv.includes('--verbose');
/** How much of what a failed command printed is shown, in characters. */
const MAX_SHOWN_CHARACTERS = 6_000;

let passed = 0;
let failed = 0;

/** Runs one step, and tells how it ended and how long it took. */
async function step(title: string, work: () => Promise<string | undefined>): Promise<void> {
  const startMs = performance.now();
  let fault: string | undefined;
  try {
    fault = await work();
  } catch (error) {
    fault = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${fault === undefined ? 'ok  ' : 'FAIL'} ${title} (${seconds} s)`);
  if (fault === undefined) passed++;
  else {
    failed++;
    console.log(`     ${fault.slice(-MAX_SHOWN_CHARACTERS).replaceAll('\n', '\n     ')}`);
  }
}

/** What is wrong with how a command ended, if anything: its exit, or words that it should have printed. */
function checkResult(
  { code, output }: CommandResult,
  wanted: { ok?: boolean; expectedOutput?: readonly RegExp[] } = {},
): string | undefined {
  const { ok = true, expectedOutput = [] } = wanted;
  if ((code === 0) !== ok) return `it ended with ${code}:\n${output}`;
  const missing = expectedOutput.find((words) => !words.test(output));
  return missing === undefined ? undefined : `it never said ${missing}:\n${output}`;
}

async function rehearse(aws: RehearsalAccount): Promise<void> {
  const target = join(aws.folder, 'target.json');
  const keys: Record<string, { key: string }> = {};
  let adminKey = '';
  const before = rehearsalEnvironment(aws.fake.baseUrl);
  const after = changedEnvironment(aws.fake.baseUrl);
  const deploy = async (context = {}) => await aws.cdk(['deploy', REHEARSAL_ENVIRONMENT], context);
  const test = async (phase: string) => {
    const outputs = aws.outputs();
    const facts = {
      environmentName: REHEARSAL_ENVIRONMENT,
      stackName: `groq-gateway-${REHEARSAL_ENVIRONMENT}`,
      baseUrl: outputs.Endpoint,
      ledgerTable: outputs.LedgerTable,
      registryTable: outputs.RegistryTable,
      usageTable: outputs.UsageTable,
      upstreamUrl: aws.fake.baseUrl,
      adminKey,
      teams: keys,
    };
    writeFileSync(target, JSON.stringify(facts));
    const vitest = join(PROJECT_DIR, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--config', 'vitest.deployed.config.ts', ...phase.split(' ')];
    const env = { ...process.env, ...aws.emulator.environment, DEPLOYED_TARGET: target };
    const result = await run(process.execPath, args, env, printOutput);
    console.log(extractTestCounts(result.output));
    return checkResult(result);
  };
  const makeKey = async (...args: readonly string[]) => {
    const { code, output } = await aws.groqRbac(['keys', 'create', '--env', REHEARSAL_ENVIRONMENT, ...args]);
    const key = /^grk_\S+$/m.exec(output)?.[0];
    if (code !== 0 || key === undefined) throw new StartError(`no key was made: ${output}`);
    return key;
  };

  aws.setEnvironment(before);
  await step('cdk bootstrap', async () => checkResult(await aws.cdk(['bootstrap'])));
  await step('cdk deploy', async () => checkResult(await deploy(), { expectedOutput: [/\| team roomy \|/] }));
  if (failed > 0) return;
  await step('groq-rbac keys create, a Groq key a team', async () => {
    for (const team of Object.keys(before.teams)) keys[team] = { key: await makeKey('--team', team) };
    adminKey = await makeKey('--role', 'admin');
    await aws.setGroqKeys(Object.keys(before.teams));
    return undefined;
  });
  await step('tests of what was deployed', async () => await test('first clients'));
  await step('groq-rbac verify', async () => {
    const result = await aws.groqRbac([
      'verify',
      '--env',
      REHEARSAL_ENVIRONMENT,
      '--out',
      join(PROJECT_DIR, 'reports'),
    ]);
    console.log(result.output);
    return checkResult(result, { expectedOutput: [/\*\*holds\*\*/] });
  });
  await step('groq-rbac prove, on the budget of a team', async () => {
    const team = ['--env', REHEARSAL_ENVIRONMENT, '--team', 'roomy', '--upstream', aws.fake.baseUrl];
    const size = ['--calls', '40', '--at-once', '20', '--only', 'whole,streamed-open'];
    const result = await aws.groqRbac(['prove', ...team, ...size, '--out', join(PROJECT_DIR, 'reports')]);
    console.log(result.output);
    return checkResult(result, { expectedOutput: [/The proof holds/] });
  });
  await step('cdk deploy again, unchanged: nothing changes', async () =>
    checkResult(await deploy(), { expectedOutput: [/no changes/] }),
  );

  aws.setEnvironment(after);
  await step('cdk diff shows the change of policies', async () => {
    const result = await aws.cdk(['diff', REHEARSAL_ENVIRONMENT]);
    console.log(extractPolicyDiff(result.output));
    return checkResult(result, { expectedOutput: [/monthlyBudgetUsd[\s\S]*10[\s\S]*25/, /Team-leaving/] });
  });
  await step('cdk deploy of changed policies', async () => {
    const result = await deploy();
    console.log(aws.outputs().Changes);
    return checkResult(result, {
      expectedOutput: [/team changing: monthlyBudgetUsd \| \$10 \| \$25/, /team leaving \| deployed \| removed/],
    });
  });
  await step('a key for the new team', async () => {
    keys.arriving = { key: await makeKey('--team', 'arriving') };
    await aws.setGroqKeys(['arriving']);
    return undefined;
  });
  await step('tests of the changed policies', async () => await test('changed'));
  await testRefusedDeployments(aws, deploy, after);
  await step('the policies are still those before the refused deployments', async () => await test('changed'));
  await step('groq-rbac verify, with a Groq key taken away, falls short', async () => {
    await aws.setGroqKeys(['slow'], 'gsk_wrong');
    return checkResult(await aws.groqRbac(['verify', '--env', REHEARSAL_ENVIRONMENT, '--out', aws.folder, '--quick']), {
      ok: false,
      expectedOutput: [/slow: GET \/models answers 401/],
    });
  });
  await step('cdk destroy', async () => checkResult(await aws.cdk(['destroy', REHEARSAL_ENVIRONMENT, '--force'])));
  await step('tests of what is left', async () => await test('destroyed'));
  await step('no key and no prompt is in anything that was printed or logged', async () =>
    findLeaks(aws, [...keyValues(keys), adminKey]),
  );
}

/** Deployments that must fail and leave everything as it was. */
async function testRefusedDeployments(
  aws: RehearsalAccount,
  deploy: (context?: object) => Promise<CommandResult>,
  environment: ReturnType<typeof rehearsalEnvironment>,
): Promise<void> {
  await step('a price that moved a hundredfold is refused, and rolled back', async () => {
    const catalogFile = join(aws.folder, 'catalog.json');
    const catalog = readFileSync(join(PROJECT_DIR, 'config/catalog.json'), 'utf8');
    writeFileSync(catalogFile, catalog.replace('"output": 0.3,', '"output": 30,'));
    return checkResult(await deploy({ catalogFile }), {
      ok: false,
      expectedOutput: [/more than threefold/, /ROLLBACK_COMPLET/],
    });
  });
  await step('a deployment that does not enforce is found out, and rolled back', async () => {
    // An endpoint that lets everyone in; the same deployment raises a budget, which must be taken back.
    const open = createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => open.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(open.address() as AddressInfo).port}/{api}/{stage}`;
    const { changing, ...teams } = environment.teams;
    aws.setEnvironment({
      ...environment,
      teams: { ...teams, ...(changing === undefined ? {} : { changing: { ...changing, monthlyBudgetUsd: 99 } }) },
    });
    const result = await deploy({ endpoint });
    open.close();
    return checkResult(result, {
      ok: false,
      expectedOutput: [/does not enforce: an unknown key got 200/, /ROLLBACK_COMPLET/],
    });
  });
}

const keyValues = (keys: Readonly<Record<string, { key: string }>>) => Object.values(keys).map(({ key }) => key);

/** Looks for secrets in the emulator's log, which has every line the functions wrote, and in what cdk made. */
async function findLeaks(aws: RehearsalAccount, secrets: readonly string[]): Promise<string | undefined> {
  const { globSync } = await import('node:fs');
  const files = [aws.logFile, ...globSync(join(aws.folder, 'cdk.out/*.json'))];
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const found = [...secrets, 'gsk_rehearsal', 'Count from one to twenty'].find((secret) => text.includes(secret));
    if (found !== undefined) return `${file} holds ${found.slice(0, 8)}…`;
  }
  return undefined;
}

/** The part of a diff that a person reads for a change of policies. */
function extractPolicyDiff(output: string): string {
  const lines = stripAnsiColors(output).split('\n');
  const start = lines.findIndex((line) => line.includes('Custom::GatewayPolicies'));
  return lines.slice(start, start + 40).join('\n');
}

/** Tools colour what they print. */
function stripAnsiColors(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), '');
}

function extractTestCounts(output: string): string {
  return stripAnsiColors(output)
    .split('\n')
    .filter((line) => /^ *(Tests|Test Files) |^(budget|usage) of/.test(line))
    .join('\n');
}

function printOutput(text: string): void {
  if (VERBOSE) process.stdout.write(text);
}

async function main(): Promise<void> {
  // The emulator, its functions and every file go when this process does; a command that runs is ended with it.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const aws = await startRehearsalAccount(printOutput);
  await rehearse(aws);
  await aws.close();
  console.log(`rehearsal: ${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? `error: ${error.message}` : error);
  process.exit(1);
});
