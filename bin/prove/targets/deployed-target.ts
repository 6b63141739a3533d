import { findServedModel } from '../../../lambda/access/model-list.ts';
import { isObject } from '../../../lambda/kernel/json/json-object.ts';
import { type PicoUsd, subtractUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import type { TeamPolicy } from '../../../lambda/policy/environment.ts';
import type { Catalog } from '../../../lambda/pricing/catalog.ts';
import { worstCaseCost } from '../../../lambda/pricing/pricing.ts';
import { CommandError } from '../../command-error.ts';
import type { CallTemplate, LedgerTotals, UpstreamCounter } from '../figures.ts';
import { OVERLOAD_FACTOR } from '../scenarios/client-scenarios.ts';
import { parseLedgerTotals } from './cluster.ts';
import type { BudgetAdjuster, BudgetHandle, Target } from './target.ts';
import { fakeCallTemplate } from './upstream-counter.ts';

/** A deployed gateway, and the team whose budget is attacked. */
export type DeployedGateway = {
  readonly environmentName: string;
  readonly endpoint: string;
  readonly policy: TeamPolicy;
  /** A key of the team with the role member. */
  readonly key: string;
  readonly catalog: Catalog;
  readonly upstream: UpstreamCounter | undefined;
  readonly adjuster: BudgetAdjuster;
};

/** Output tokens of a call; few, because calls to the real Groq cost money. */
const OUTPUT_TOKENS = 256;
/** The approximate size of the prompt with any model's template. */
const PROMPT_TOKENS = 128;
/** A prompt whose response uses up the output tokens of any model. */
const LONG_RESPONSE_PROMPT =
  'Count from one to five thousand in words, one number after the other, and leave none out.';

/** Creates the target for a deployed gateway. The team gets each scenario's budget, and its own budget back at the end. */
export function createDeployedTarget(gateway: DeployedGateway): Target {
  const { environmentName, endpoint, policy, key, upstream, adjuster } = gateway;
  let isClosed = false;
  // After the end the team has its own budget again, which the proof must not spend.
  const requireOpen = () => {
    if (isClosed) throw new CommandError('the proof is over');
  };
  return {
    name: environmentName,
    description: `the deployed environment ${environmentName}, as team ${policy.team}`,
    call: deployedCallTemplate(gateway),
    upstream,
    testRig: undefined,
    async openBudget(_scenario, amount): Promise<BudgetHandle> {
      requireOpen();
      await adjuster.setAvailable(policy.team, amount);
      const before = await readBudget(endpoint, key);
      if (before.reservedPicoUsd !== 0n)
        throw new CommandError(`team ${policy.team} has calls in flight; use a team without traffic`);
      return {
        budgetPicoUsd: amount,
        credentials: [{ team: policy.team, key }],
        nextAddress: async () => {
          requireOpen();
          return endpoint;
        },
        ledger: async () => subtractTotals(before, await readBudget(endpoint, key)),
      };
    },
    close: async () => {
      isClosed = true;
      await adjuster.restoreBudget(policy.team);
    },
  };
}

/**
 * Checks that only money limits an attack on the team.
 *
 * @throws CommandError that names another limit, which would stop the calls first.
 */
export function requireSufficientLimits(
  { policy, catalog }: Pick<DeployedGateway, 'policy' | 'catalog'>,
  calls: number,
  concurrency: number,
): void {
  const { team, rateLimitRpm, rateLimitTpm, maxConcurrent, requestsPerDay } = policy;
  const totalCalls = OVERLOAD_FACTOR * calls;
  const insufficient = (limit: string) =>
    new CommandError(`team ${team} ${limit}; raise the limit of this test team, or use fewer --calls`);
  if (findServedModel(policy, catalog) === undefined)
    throw new CommandError(`team ${team} has no model that is served`);
  if (maxConcurrent < concurrency)
    throw new CommandError(
      `team ${team} may have ${maxConcurrent} calls in flight; raise maxConcurrent, or lower --at-once`,
    );
  if (rateLimitRpm !== null && rateLimitRpm < totalCalls)
    throw insufficient(`has ${rateLimitRpm} requests a minute, not ${totalCalls}`);
  const tokens = calls * (OUTPUT_TOKENS + PROMPT_TOKENS);
  if (rateLimitTpm !== null && rateLimitTpm < tokens)
    throw insufficient(`has ${rateLimitTpm} tokens a minute, not ${tokens}`);
  if (requestsPerDay !== null) throw insufficient(`has ${requestsPerDay} requests a day`);
}

/** Describes the maximum that a proof spends. */
export function spendingNotice(target: Target, budget: PicoUsd, scenarios: number): string {
  const max = toUsdString((budget * BigInt(scenarios)) as PicoUsd);
  return `${target.description}: spends at most $${max}, $${toUsdString(budget)} in each of ${scenarios} scenarios`;
}

function deployedCallTemplate({ policy, catalog, upstream }: DeployedGateway): CallTemplate {
  const model = catalog.models.get(findServedModel(policy, catalog) ?? '');
  if (model?.kind !== 'chat') throw new CommandError(`team ${policy.team} has no model that is served`);
  const outputTokens = Math.min(OUTPUT_TOKENS, policy.maxTokensPerRequest ?? OUTPUT_TOKENS);
  if (upstream !== undefined) return fakeCallTemplate(model, outputTokens);
  return {
    model,
    prompt: LONG_RESPONSE_PROMPT,
    outputTokens,
    costPicoUsd: worstCaseCost(model, PROMPT_TOKENS, outputTokens),
  };
}

async function readBudget(endpoint: string, key: string): Promise<LedgerTotals> {
  const response = await fetch(`${endpoint}/openai/v1/budget`, { headers: { authorization: `Bearer ${key}` } });
  const body: unknown = await response.json();
  if (response.status !== 200 || !isObject(body)) throw new Error(`GET /openai/v1/budget returned ${response.status}`);
  return parseLedgerTotals(body);
}

function subtractTotals(before: LedgerTotals, now: LedgerTotals): LedgerTotals {
  return {
    spentPicoUsd: subtractUsd(now.spentPicoUsd, before.spentPicoUsd),
    reservedPicoUsd: subtractUsd(now.reservedPicoUsd, before.reservedPicoUsd),
    assumedPicoUsd: subtractUsd(now.assumedPicoUsd, before.assumedPicoUsd),
    overrunPicoUsd: subtractUsd(now.overrunPicoUsd, before.overrunPicoUsd),
  };
}
