import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mintKey } from '../../lambda/access/io/gateway-key.ts';
import { findServedModel } from '../../lambda/access/model-list.ts';
import { GatewayProbe } from '../../lambda/deployment/io/gateway-probe.ts';
import { GroqKeys } from '../../lambda/groq/io/groq-keys.ts';
import { CANARY_TEAM } from '../../lambda/policy/canary-team.ts';
import type { Environment, TeamPolicy } from '../../lambda/policy/environment.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../../lambda/policy/io/registry.ts';
import type { Catalog } from '../../lambda/pricing/catalog.ts';
import { CommandError, type Deployment, findDeployment } from '../deployment.ts';
import type { Progress } from '../progress.ts';
import { TemporaryKeys } from '../temporary-keys.ts';
import { budgetCheck } from '../verify/budget-check.ts';
import { type Check, type Finding, runCheck } from '../verify/check.ts';
import { enforcementChecks } from '../verify/enforcement-checks.ts';
import { buildReport, renderReport } from '../verify/report.ts';
import { resourceChecks } from '../verify/resource-checks.ts';
import { secretChecks } from '../verify/secret-checks.ts';
import { streamCheck } from '../verify/stream-check.ts';

/** What the command is told. */
export type VerifyOptions = {
  readonly env: string;
  /** Another address of the same endpoint, such as a name inside a VPC. */
  readonly endpoint: string | undefined;
  /** The folder the report is written to. */
  readonly out: string;
  readonly json: boolean;
  /** Leaves out the check that waits a minute for a revocation. */
  readonly quick: boolean;
};

const GROQ = 'https://api.groq.com';
/** How long the keys made for the checks would work if they could not be taken away, in milliseconds. */
const KEY_TTL_MS = 300_000;

/** Probes a deployed environment and writes what was found; tells whether all of it holds. */
export async function verify(options: VerifyOptions, progress: Progress): Promise<boolean> {
  const deployment = await findDeployment(options.env, options.endpoint);
  await requireReachable(deployment.endpoint);
  const { dynamo, registryTable, environmentName } = deployment;
  const published = await new Registry(dynamo, registryTable, Date.now).readCurrent();
  if (published === undefined) throw new CommandError(`${environmentName} has no policies in force; deploy it again`);
  await audit(deployment, `${environmentName} is verified; keys of ${CANARY_TEAM} and of one team live for its time`);
  const keys = new TemporaryKeys(deployment, 'verify', KEY_TTL_MS);
  const findings: Finding[] = [];
  const giveUp = () => void keys.deleteAll().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, giveUp);
  try {
    const checks = await buildChecks(options, deployment, published.environment, published.catalog, keys);
    for (const check of checks) {
      progress.step(`checks; now: ${check.title}`, findings.length, checks.length);
      findings.push(await runCheck(check));
    }
    progress.end();
  } finally {
    await keys.deleteAll();
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, giveUp);
  }
  const at = new Date().toISOString();
  const report = buildReport(environmentName, deployment.endpoint, at, findings);
  const markdown = renderReport(report);
  mkdirSync(options.out, { recursive: true });
  const file = join(options.out, `verify-${environmentName}`);
  writeFileSync(`${file}.md`, markdown);
  writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
  console.log(options.json ? JSON.stringify(report) : markdown);
  return report.verdict === 'holds';
}

/** An endpoint that cannot be reached at all is no finding about the deployment. */
async function requireReachable(endpoint: string): Promise<void> {
  if (!URL.canParse(endpoint))
    throw new CommandError(`--endpoint is "${endpoint}"; it must be an address such as https://…`);
  try {
    await new GatewayProbe(endpoint).call('GET', '/healthz', undefined);
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new CommandError(`${endpoint} cannot be reached: ${reason}`, { cause });
  }
}

async function buildChecks(
  options: VerifyOptions,
  deployment: Deployment,
  environment: Environment,
  catalog: Catalog,
  keys: TemporaryKeys,
): Promise<readonly Check[]> {
  const { environmentName, endpoint } = deployment;
  const canary = environment.teams.get(CANARY_TEAM);
  if (canary === undefined)
    throw new CommandError(`${environmentName} was deployed without its canary; deploy it again`);
  const teams = [...environment.teams.values()].filter(({ team }) => team !== CANARY_TEAM);
  const client = new SecretsManagerClient({});
  const canaryKey = await keys.create(CANARY_TEAM);
  const target = {
    probe: new GatewayProbe(endpoint),
    catalog,
    canary,
    canaryKey: canaryKey.key,
    unknownKey: mintKey(environmentName).key,
    revokeCanaryKey: () => keys.revoke(canaryKey.keyId),
  };
  return [
    ...resourceChecks(deployment, environment.deployment.retainData),
    budgetCheck(deployment, environment),
    ...secretChecks({
      client,
      environmentName,
      teams: teams.map(({ team }) => team),
      groqBaseUrl: environment.deployment.groqBaseUrl ?? GROQ,
      teamsNeedingStagedKey: teams.filter(needsStagedKey).map(({ team }) => team),
    }),
    await buildStreamCheck(deployment, teams, catalog, client, keys),
    ...enforcementChecks(target, !options.quick),
  ];
}

/** The streamed call, as the first team that has a Groq key and a model to call. */
async function buildStreamCheck(
  { environmentName, endpoint }: Deployment,
  teams: readonly TeamPolicy[],
  catalog: Catalog,
  client: SecretsManagerClient,
  keys: TemporaryKeys,
): Promise<Check> {
  const groqKeys = new GroqKeys(client, environmentName, Date.now, () => {});
  for (const policy of teams.filter(({ monthlyBudgetPicoUsd }) => monthlyBudgetPicoUsd > 0n)) {
    const model = findServedModel(policy, catalog);
    const groqKey = await groqKeys
      .of(policy.team)
      .current()
      .catch(() => undefined);
    if (model === undefined || groqKey === undefined) continue;
    return streamCheck(endpoint, policy, model, (await keys.create(policy.team)).key);
  }
  const run = async () => ({ status: 'fail' as const, evidence: 'no team has a Groq key and a model to call' });
  return { id: 'streaming', title: 'A streamed answer arrives as it is made', run };
}

async function audit({ dynamo, registryTable, environmentName }: Deployment, details: string): Promise<void> {
  const entry = { atEpochMs: Date.now(), id: randomUUID(), actor: 'groq-rbac verify', action: 'verify', details };
  await new DynamoAuditLog(dynamo, registryTable).append({ ...entry, subject: environmentName });
}

/** Whether a team's key is rotated by its policy, from a queue that operators fill. */
function needsStagedKey({ rotateGroqKeyEveryDays, groqKeySource }: TeamPolicy): boolean {
  return rotateGroqKeyEveryDays !== null && groqKeySource === 'staged';
}
