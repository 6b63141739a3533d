import { describeModel, listModels, modelsOf } from '../access/model-list.ts';
import { refuse } from '../kernel/refusals.ts';
import { readAllBudgets, readBudget } from '../ledger/read-budgets.ts';
import { CANARY_TEAM } from '../policy/canary.ts';
import type { GatewayCall } from './gateway-call.ts';
import { identityOf, policyOf, unescaped } from './gateway-event.ts';
import { type GatewayResponse, jsonResponse, refusalResponse } from './gateway-response.ts';

/** `GET /openai/v1/models`: the team's models, or every one for a key of the organisation. */
export async function answerModels({ ports, event }: GatewayCall): Promise<GatewayResponse> {
  const { teams, catalog } = await ports.policies.policies();
  const identity = identityOf(event);
  if (identity.team === undefined)
    return jsonResponse({ object: 'list', data: [...catalog.models.values()].map(describeModel) });
  const policy = policyOf(identity, teams);
  if ('reason' in policy) return refusalResponse(policy);
  return jsonResponse({ object: 'list', data: listModels(modelsOf(policy, identity), catalog) });
}

/** `GET /openai/v1/models/{id}`; a model the team may not use does not exist for it. */
export async function answerModel({ ports, event }: GatewayCall): Promise<GatewayResponse> {
  const { teams, catalog } = await ports.policies.policies();
  const identity = identityOf(event);
  const policy = identity.team === undefined ? undefined : policyOf(identity, teams);
  if (policy !== undefined && 'reason' in policy) return refusalResponse(policy);
  const id = unescaped(event.path.slice('/openai/v1/models/'.length));
  const model = catalog.models.get(id);
  const isOthers = policy !== undefined && !modelsOf(policy, identity).includes(id);
  if (model === undefined || isOthers) {
    return refusalResponse(
      refuse(
        'model_not_found',
        `The model \`${id.slice(0, 128)}\` does not exist or is not allowed. GET /openai/v1/models lists yours.`,
        { param: 'model' },
      ),
    );
  }
  return jsonResponse(describeModel(model));
}

/** `GET /openai/v1/budget`: the team's, or every team's for a key of the organisation. */
export async function answerBudget({ ports, event }: GatewayCall): Promise<GatewayResponse> {
  const { teams } = await ports.policies.policies();
  const identity = identityOf(event);
  const nowEpochMs = ports.clock.nowEpochMs();
  if (identity.team === undefined) {
    const reported = [...teams.values()].filter(({ team }) => team !== CANARY_TEAM);
    const { teams: data, organization } = await readAllBudgets(ports.ledger, reported, nowEpochMs);
    return jsonResponse({ object: 'list', data, organization });
  }
  const policy = policyOf(identity, teams);
  if ('reason' in policy) return refusalResponse(policy);
  return jsonResponse(await readBudget(ports.ledger, policy, nowEpochMs));
}
