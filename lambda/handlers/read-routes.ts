import { reportBudget, reportOrganization } from '../core/budget-report.ts';
import { CANARY_TEAM } from '../core/canary.ts';
import type { TeamPolicy } from '../core/environment.ts';
import { openLedger } from '../core/ledger.ts';
import { describeModel, listModels, modelsOf } from '../core/model-list.ts';
import { ZERO_USD } from '../core/money.ts';
import { periodOf } from '../core/period.ts';
import { refuse } from '../core/refusals.ts';
import { identityOf, policyOf, unescaped } from './gateway-event.ts';
import type { GatewayCall } from './gateway-handler.ts';
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
  const period = periodOf(nowEpochMs);
  const read = async ({ team, monthlyBudgetPicoUsd }: TeamPolicy) => {
    const state = await ports.ledger.read({ team, period });
    // A month without a call has no ledger yet, but a pause stands all the same.
    return state ?? openLedger(monthlyBudgetPicoUsd, await ports.ledger.readPauses(team));
  };
  if (identity.team === undefined) {
    const reported = [...teams.values()].filter(({ team }) => team !== CANARY_TEAM);
    const views = await Promise.all(reported.map(read));
    const data = reported.map((policy, index) => reportBudget(policy, views[index], nowEpochMs));
    const cap = reported[0]?.organizationCapPicoUsd ?? ZERO_USD;
    const organization = reportOrganization(cap, await ports.ledger.readOrganization(period), views, nowEpochMs);
    return jsonResponse({ object: 'list', data, organization });
  }
  const policy = policyOf(identity, teams);
  if ('reason' in policy) return refusalResponse(policy);
  return jsonResponse(reportBudget(policy, await read(policy), nowEpochMs));
}
