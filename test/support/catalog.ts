import { readFileSync } from 'node:fs';
import { parseTeam, type TeamPolicy } from '../../lambda/policy/environment.ts';
import { parseCatalog } from '../../lambda/pricing/catalog.ts';

/** The catalog file of the product. */
export const CATALOG_FILE = new URL('../../config/catalog.json', import.meta.url);
export const catalogContent = (): { models: Record<string, unknown>[] } & Record<string, unknown> =>
  JSON.parse(readFileSync(CATALOG_FILE, 'utf8'));
export const catalog = parseCatalog('config/catalog.json', catalogContent());

/** A team's policy with the given fields. */
export function policyWith(fields: Record<string, unknown> = {}): TeamPolicy {
  const organization = {
    organization: { monthlyCapUsd: 500, alertsUsd: [], alertsPercent: [50, 80, 95] },
    deployment: { passFields: [] },
  };
  return parseTeam(
    'test',
    'chatbot',
    { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 200, ...fields },
    organization,
    catalog,
  );
}
