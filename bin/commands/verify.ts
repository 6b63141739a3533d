import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayProbe } from '../../lambda/deployment/io/gateway-probe.ts';
import { CANARY_TEAM } from '../../lambda/policy/canary-team.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../../lambda/policy/io/registry.ts';
import { CommandError } from '../command-error.ts';
import { type Deployment, findDeployment } from '../deployment.ts';
import type { Progress } from '../progress.ts';
import { TemporaryKeys } from '../temporary-keys.ts';
import { buildChecks, type VerifyTarget } from '../verify/build-checks.ts';
import { type Finding, runCheck } from '../verify/check.ts';
import { buildReport, renderReport, type VerifyReport } from '../verify/report.ts';

/** Options of `verify`. */
export type VerifyOptions = {
  readonly env: string;
  /** Another URL of the same endpoint, such as one inside a VPC. */
  readonly endpoint: string | undefined;
  /** The folder for the report. */
  readonly out: string;
  readonly json: boolean;
  /** Skips the check that waits a minute for a revocation. */
  readonly quick: boolean;
};

/** Lifetime of the keys created for the checks, in case they cannot be deleted. */
const KEY_TTL_MS = 300_000;
const EXIT_CODE_INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** `verify`: checks a deployed environment and writes a report. Returns whether every check passed. */
export async function verify(options: VerifyOptions, progress: Progress): Promise<boolean> {
  const deployment = await findDeployment(options.env, options.endpoint);
  await requireReachable(deployment.endpoint);
  const { dynamo, registryTable, environmentName, endpoint } = deployment;
  const published = await new Registry(dynamo, registryTable, Date.now).readCurrent();
  if (published === undefined) throw new CommandError(`${environmentName} has no published policies; deploy it again`);
  await recordVerification(deployment);
  const findings = await runChecks({ deployment, ...published }, options.quick, progress);
  const report = buildReport(environmentName, endpoint, new Date().toISOString(), findings);
  const markdown = renderReport(report);
  writeReport(options.out, report, markdown);
  console.log(options.json ? JSON.stringify(report) : markdown);
  return report.verdict === 'holds';
}

/** @throws CommandError for an endpoint that cannot be reached: that says nothing about the deployment. */
async function requireReachable(endpoint: string): Promise<void> {
  if (!URL.canParse(endpoint))
    throw new CommandError(`--endpoint is "${endpoint}"; it must be a URL such as https://…`);
  try {
    await new GatewayProbe(endpoint).call('GET', '/healthz', undefined);
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new CommandError(`cannot reach ${endpoint}: ${reason}`, { cause });
  }
}

/** Runs the checks one by one, with temporary keys that are deleted even when the command is interrupted. */
async function runChecks(target: VerifyTarget, quick: boolean, progress: Progress): Promise<readonly Finding[]> {
  const keys = new TemporaryKeys(target.deployment, 'verify', KEY_TTL_MS);
  const findings: Finding[] = [];
  const interrupt = () => void keys.deleteAll().finally(() => process.exit(EXIT_CODE_INTERRUPTED));
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    const checks = await buildChecks(target, keys, quick);
    for (const check of checks) {
      progress.step(`checks; now: ${check.title}`, findings.length, checks.length);
      findings.push(await runCheck(check));
    }
    progress.end();
    return findings;
  } finally {
    await keys.deleteAll();
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

function writeReport(folder: string, report: VerifyReport, markdown: string): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `verify-${report.environment}`);
  writeFileSync(`${file}.md`, markdown);
  writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
}

async function recordVerification({ dynamo, registryTable, environmentName }: Deployment): Promise<void> {
  await new DynamoAuditLog(dynamo, registryTable).append({
    atEpochMs: Date.now(),
    id: randomUUID(),
    actor: 'groq-rbac verify',
    action: 'verify',
    details: `verification of ${environmentName} with temporary keys of ${CANARY_TEAM} and of one team`,
    subject: environmentName,
  });
}
