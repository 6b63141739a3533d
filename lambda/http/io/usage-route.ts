import { dayAt } from '../../kernel/period.ts';
import { refuse } from '../../kernel/refusals.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import { readUsage } from '../../usage/read-usage.ts';
import { parseUsageQuery } from '../../usage/usage-query.ts';
import { buildUsageReport } from '../../usage/usage-report.ts';
import { resolveUsageScope } from '../../usage/usage-scope.ts';
import type { GatewayCall } from './gateway-call.ts';
import { readIdentity } from './gateway-event.ts';
import { type GatewayResponse, jsonResponse, refusalResponse } from './gateway-response.ts';

/** `GET /openai/v1/usage`: usage of the keys that the caller may see. */
export async function handleUsage({ ports, event }: GatewayCall): Promise<GatewayResponse> {
  const scope = resolveUsageScope(readIdentity(event));
  if (scope.kind === 'nothing')
    return refusalResponse(
      refuse('forbidden', 'This key may see no usage. Use a team key, or a key of an administrator.'),
    );
  const nowEpochMs = ports.clock.nowEpochMs();
  const query = parseUsageQuery(event.multiValueQueryStringParameters ?? {}, nowEpochMs);
  if ('reason' in query) return refusalResponse(query);
  const { teams } = await ports.policies.policies();
  const policyTeams = [...teams.keys()].filter((team) => team !== CANARY_TEAM);
  const { rows, names } = await readUsage(ports, scope, query, policyTeams, dayAt(nowEpochMs));
  return jsonResponse(buildUsageReport(query, rows, names, dayAt(nowEpochMs)));
}
