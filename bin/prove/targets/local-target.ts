import { addUsd, type PicoUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import type { Catalog } from '../../../lambda/pricing/catalog.ts';
import type { CallTemplate } from '../figures.ts';
import { CLIENT_SCENARIOS } from '../scenarios/client-scenarios.ts';
import type { Cluster } from './cluster.ts';
import type { BudgetHandle, Target } from './target.ts';
import { TestRig } from './test-rig.ts';
import { fakeCallTemplate } from './upstream-counter.ts';

const MODEL = 'openai/gpt-oss-20b';
/** Long enough that a call's bound is within a few percent of its cost, as it is in earnest. */
const OUTPUT_TOKENS = 2_000;
/** What a call gets whose client states no length: twice what it needs. */
const MAX_TOKENS_PER_REQUEST = 4_096;
/** As many requests in flight as a ledger can hold. */
const MAX_CONCURRENT = 200;
/** How long a request may wait for a place, in milliseconds: the most that there is. */
const MAX_QUEUE_MS = 2_000;

/** A team's policy in which nothing but money is scarce. */
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

/** A gateway of this machine's own: a fake Groq, one database, and gateway processes that share it. */
export async function openLocalTarget(processes: number, budget: PicoUsd, catalog: Catalog): Promise<Target> {
  const testRig = await TestRig.open(processes, catalog);
  const names = CLIENT_SCENARIOS.map(({ id }) => id);
  // The cap is out of the way here; it has a scenario of its own.
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

/** The call that the local scenarios make, priced by what the fake makes of it. */
export function localCallTemplate(catalog: Catalog): CallTemplate {
  const model = catalog.models.get(MODEL);
  if (model?.kind !== 'chat') throw new Error(`the catalog has no ${MODEL}`);
  return fakeCallTemplate(model, OUTPUT_TOKENS);
}

/** A team's budget on a cluster. */
export async function openTeamBudget(cluster: Cluster, team: string, budgetPicoUsd: PicoUsd): Promise<BudgetHandle> {
  const teamCredential = await cluster.teamCredential(team);
  return {
    budgetPicoUsd,
    credentials: [teamCredential],
    nextAddress: (index) => cluster.nextAddress(index),
    ledger: () => cluster.readLedger(teamCredential),
  };
}
