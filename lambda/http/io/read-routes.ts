import { allowedModelsFor, describeModel, listModels } from '../../access/model-list.ts';
import { refuse } from '../../kernel/refusals.ts';
import { readAllBudgets, readBudget } from '../../ledger/read-budgets.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import { findTeamPolicy } from '../caller-checks.ts';
import type { GatewayCall } from './gateway-call.ts';
import { readIdentity } from './gateway-event.ts';
import { type GatewayResponse, jsonResponse, refusalResponse } from './gateway-response.ts';

/** `GET /openai/v1/models`: the models that the key may call, or the whole catalog for an organisation key. */
export async function handleModels({ ports, event }: GatewayCall): Promise<GatewayResponse> {
  const { teams, catalog } = await ports.policies.policies();
  const identity = readIdentity(event);
  if (identity.team === undefined)
    return jsonResponse({ object: 'list', data: [...catalog.models.values()].map(describeModel) });
  const policy = findTeamPolicy(identity, teams);
  if ('reason' in policy) return refusalResponse(policy);
  return jsonResponse({ object: 'list', data: listModels(allowedModelsFor(policy, identity), catalog) });
}

/** `GET /openai/v1/models/{model}`: one model. A model that the key may not call is reported as unknown. */
export async function handleModel({ ports, event }: GatewayCall, id: string): Promise<GatewayResponse> {
  const { teams, catalog } = await ports.policies.policies();
  const identity = readIdentity(event);
  const policy = identity.team === undefined ? undefined : findTeamPolicy(identity, teams);
  if (policy !== undefined && 'reason' in policy) return refusalResponse(policy);
  const model = catalog.models.get(id);
  const isForbidden = policy !== undefined && !allowedModelsFor(policy, identity).includes(id);
  if (model === undefined || isForbidden) {
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

/** `GET /openai/v1/budget`: the team's budget, or every team's for an organisation key. */
export async function handleBudget({ ports, event }: GatewayCall): Promise<GatewayResponse> {
  const { teams } = await ports.policies.policies();
  const identity = readIdentity(event);
  const nowEpochMs = ports.clock.nowEpochMs();
  if (identity.team === undefined) {
    const reportedTeams = [...teams.values()].filter(({ team }) => team !== CANARY_TEAM);
    const { teams: data, organization } = await readAllBudgets(ports.ledger, reportedTeams, nowEpochMs);
    return jsonResponse({ object: 'list', data, organization });
  }
  const policy = findTeamPolicy(identity, teams);
  if ('reason' in policy) return refusalResponse(policy);
  return jsonResponse(await readBudget(ports.ledger, policy, nowEpochMs));
}
