import { addUsd, type PicoUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import type { Catalog } from '../../../lambda/pricing/catalog.ts';
import type { CallTemplate } from '../figures.ts';
import { CLIENT_SCENARIOS } from '../scenarios/client-scenarios.ts';
import type { Cluster } from './cluster.ts';
import type { BudgetHandle, Target } from './target.ts';
import { TestRig } from './test-rig.ts';
import { fakeCallTemplate } from './upstream-counter.ts';

const MODEL = 'openai/gpt-oss-20b';
/** Long enough that a call's maximum cost is within a few percent of its cost, as with real calls. */
const OUTPUT_TOKENS = 2_000;
/** The output limit of a call without `max_tokens`: twice what it needs. */
const MAX_TOKENS_PER_REQUEST = 4_096;
/** The maximum number of requests in flight on one ledger. */
const MAX_CONCURRENT = 200;
/** The maximum that a policy allows. */
const MAX_QUEUE_MS = 2_000;

/** A team's policy that limits only money. */
export function budgetOnlyPolicy(budget: PicoUsd): object {
  return {
    allowedModels: [MODEL],
    monthlyBudgetUsd: Number(toUsdString(budget)),
    rateLimitRpm: 1_000_000,
    rateLimitTpm: null,
    maxConcurrent: MAX_CONCURRENT,
    maxQueueMs: MAX_QUEUE_MS,
    maxTokensPerRequest: MAX_TOKENS_PER_REQUEST,
  };
}

/** Opens a target on this machine: a fake Groq, one database, and gateway processes that share it. */
export async function openLocalTarget(processes: number, budget: PicoUsd, catalog: Catalog): Promise<Target> {
  const testRig = await TestRig.open(processes, catalog);
  const names = CLIENT_SCENARIOS.map(({ id }) => id);
  // The cap is too high to matter; it has its own scenario.
  const environment = {
    organization: { monthlyCapUsd: Number(toUsdString(addUsd(...names.map(() => budget), budget))) * 2 },
    teams: Object.fromEntries(names.map((name) => [name, budgetOnlyPolicy(budget)])),
  };
  let shared: Promise<Cluster> | undefined;
  return {
    name: 'local',
    description: `${processes} gateway ${processes === 1 ? 'process' : 'processes'} on one ledger, an embedded DynamoDB, and a fake Groq`,
    call: localCallTemplate(catalog),
    upstream: testRig.upstream,
    testRig,
    async openBudget(scenario) {
      shared ??= testRig.startCluster('standing', environment);
      return await openTeamBudget(await shared, scenario, budget);
    },
    close: () => testRig.close(),
  };
}

/** The call of the local scenarios, priced by the fake Groq's response to it. */
export function localCallTemplate(catalog: Catalog): CallTemplate {
  const model = catalog.models.get(MODEL);
  if (model?.kind !== 'chat') throw new Error(`the catalog has no ${MODEL}`);
  return fakeCallTemplate(model, OUTPUT_TOKENS);
}

/** Opens a team's budget on a cluster. */
export async function openTeamBudget(cluster: Cluster, team: string, budgetPicoUsd: PicoUsd): Promise<BudgetHandle> {
  const teamCredential = await cluster.teamCredential(team);
  return {
    budgetPicoUsd,
    credentials: [teamCredential],
    nextAddress: (index) => cluster.nextAddress(index),
    ledger: () => cluster.readLedger(teamCredential),
  };
}
