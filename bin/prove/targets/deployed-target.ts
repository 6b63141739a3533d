import { servedModelOf } from '../../../lambda/access/model-list.ts';
import { isObject } from '../../../lambda/kernel/json-object.ts';
import { type PicoUsd, subtractUsd, usdText } from '../../../lambda/kernel/money.ts';
import type { TeamPolicy } from '../../../lambda/policy/environment.ts';
import type { Catalog } from '../../../lambda/pricing/catalog.ts';
import { worstCaseCost } from '../../../lambda/pricing/pricing.ts';
import { CommandError } from '../../deployment.ts';
import type { CallShape, LedgerFigures, UpstreamCount } from '../figures.ts';
import { TIMES } from '../scenarios/client-scenarios.ts';
import { figuresOf } from './cluster.ts';
import { fakeCall } from './served-upstream.ts';
import type { BudgetGiver, Purse, Target } from './target.ts';

/** A deployed gateway, and the team on whose account it is attacked. */
export type DeployedGateway = {
  readonly environmentName: string;
  readonly endpoint: string;
  readonly policy: TeamPolicy;
  /** A member's key of the team. */
  readonly key: string;
  readonly catalog: Catalog;
  readonly upstream: UpstreamCount | undefined;
  readonly giver: BudgetGiver;
};

/** Output tokens of a call: a proof on the real Groq costs real money. */
const OUTPUT_TOKENS = 256;
/** About what the prompt comes to with any model's template. */
const PROMPT_TOKENS = 128;
/** Any model goes on with this until its tokens are used up. */
const LONG_ANSWER = 'Count from one to five thousand in words, one number after the other, and leave none out.';

/** A deployed gateway as a target: each scenario's budget is given to the team for its time, and taken back at the end. */
export function deployedTarget(gateway: DeployedGateway): Target {
  const { environmentName, endpoint, policy, key, upstream, giver } = gateway;
  let isClosed = false;
  // What the team has again after a proof is not the proof's to spend.
  const requireOpen = () => {
    if (isClosed) throw new CommandError('the proof is over');
  };
  return {
    name: environmentName,
    description: `the deployed environment ${environmentName}, as team ${policy.team}`,
    call: deployedCall(gateway),
    upstream,
    laboratory: undefined,
    async openBudget(_scenario, amount): Promise<Purse> {
      requireOpen();
      await giver.giveBudget(policy.team, amount);
      const before = await readBudget(endpoint, key);
      if (before.held !== 0n)
        throw new CommandError(`team ${policy.team} has calls in flight: name one that nobody uses`);
      return {
        budgetPicoUsd: amount,
        spenders: [{ team: policy.team, key }],
        addressOf: async () => {
          requireOpen();
          return endpoint;
        },
        ledger: async () => since(before, await readBudget(endpoint, key)),
      };
    },
    close: async () => {
      isClosed = true;
      await giver.takeBack(policy.team);
    },
  };
}

/**
 * Refuses a team that could not be attacked by so many calls, because something other than money would stop them.
 *
 * @throws CommandError naming the limit.
 */
export function requireRoom(
  { policy, catalog }: Pick<DeployedGateway, 'policy' | 'catalog'>,
  calls: number,
  atOnce: number,
): void {
  const { team, rateLimitRpm, rateLimitTpm, maxConcurrent, requestsPerDay } = policy;
  const fired = TIMES * calls;
  const lacks = (what: string) =>
    new CommandError(`team ${team} ${what}; give a team for tests more, or try fewer --calls`);
  if (servedModelOf(policy, catalog) === undefined) throw new CommandError(`team ${team} has no model that is served`);
  if (maxConcurrent < atOnce)
    throw new CommandError(`team ${team} may have ${maxConcurrent} calls in flight; give it more, or lower --at-once`);
  if (rateLimitRpm !== null && rateLimitRpm < fired) throw lacks(`has ${rateLimitRpm} requests a minute, not ${fired}`);
  const tokens = calls * (OUTPUT_TOKENS + PROMPT_TOKENS);
  if (rateLimitTpm !== null && rateLimitTpm < tokens) throw lacks(`has ${rateLimitTpm} tokens a minute, not ${tokens}`);
  if (requestsPerDay !== null) throw lacks(`has ${requestsPerDay} requests a day`);
}

/** What a proof spends at most, in words. */
export function spendsAtMost(target: Target, budget: PicoUsd, scenarios: number): string {
  const most = usdText((budget * BigInt(scenarios)) as PicoUsd);
  return `${target.description}: at most $${most} are spent, $${usdText(budget)} in each of ${scenarios} scenarios`;
}

function deployedCall({ policy, catalog, upstream }: DeployedGateway): CallShape {
  const model = catalog.models.get(servedModelOf(policy, catalog) ?? '');
  if (model?.kind !== 'chat') throw new CommandError(`team ${policy.team} has no model that is served`);
  const outputTokens = Math.min(OUTPUT_TOKENS, policy.maxTokensPerRequest ?? OUTPUT_TOKENS);
  if (upstream !== undefined) return fakeCall(model, outputTokens);
  return { model, prompt: LONG_ANSWER, outputTokens, costPicoUsd: worstCaseCost(model, PROMPT_TOKENS, outputTokens) };
}

async function readBudget(endpoint: string, key: string): Promise<LedgerFigures> {
  const response = await fetch(`${endpoint}/openai/v1/budget`, { headers: { authorization: `Bearer ${key}` } });
  const body: unknown = await response.json();
  if (response.status !== 200 || !isObject(body)) throw new Error(`the budget was answered by ${response.status}`);
  return figuresOf(body);
}

function since(before: LedgerFigures, now: LedgerFigures): LedgerFigures {
  return {
    spent: subtractUsd(now.spent, before.spent),
    held: subtractUsd(now.held, before.held),
    assumed: subtractUsd(now.assumed, before.assumed),
    overrun: subtractUsd(now.overrun, before.overrun),
  };
}
