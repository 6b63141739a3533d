import { describe, expect, it } from 'vitest';
import { renderChanges, summarizeChanges } from '../../../lambda/deployment/change-summary.ts';
import { infrastructureChanges } from '../../../lambda/deployment/infrastructure-changes.ts';
import { checkPriceJumps } from '../../../lambda/deployment/model-prices.ts';
import { policyChanges } from '../../../lambda/deployment/policy-changes.ts';
import {
  decodeCatalog,
  decodeProperties,
  encodeCatalog,
  encodeProperties,
} from '../../../lambda/deployment/resource-properties.ts';
import { addCanaryTeam } from '../../../lambda/policy/canary-team.ts';
import { type EnvironmentFile, parseEnvironment } from '../../../lambda/policy/environment.ts';
import { parseCatalog } from '../../../lambda/pricing/catalog.ts';
import { catalog, catalogContent } from '../../support/catalog.ts';

const MODEL = 'openai/gpt-oss-20b';
const team = { allowedModels: [MODEL], monthlyBudgetUsd: 200 };
const published = (teams: EnvironmentFile['teams'], prices: Record<string, unknown> = {}) => {
  const changed = catalogWith(prices);
  return { environment: parseEnvironment('test', { teams }, changed), catalog: changed };
};
function catalogWith(more: Record<string, unknown>) {
  const content = catalogContent();
  const models = content.models.map((model) => (model.id === MODEL ? { ...model, ...more } : model));
  return parseCatalog('catalog', { ...content, models });
}

describe('the changes of a deployment', () => {
  it('include a budget, with both amounts and the consequence', () => {
    const changes = policyChanges(published({ a: team }), published({ a: { ...team, monthlyBudgetUsd: 300 } }));
    expect(changes).toEqual([
      {
        subject: 'team a',
        field: 'monthlyBudgetUsd',
        before: '$200',
        after: '$300',
        why: expect.stringContaining('moves by the difference'),
      },
    ]);
  });

  it('include added and removed teams, models and prices', () => {
    const changes = policyChanges(published({ a: team }), published({ b: team }, { input: 0.1, status: 'preview' }));
    expect(changes.map(({ subject, field, before, after }) => [subject, field, before, after])).toEqual([
      ['team b', '', '-', `monthlyBudgetUsd $200; allowedModels ${MODEL}`],
      ['team a', '', 'deployed', 'removed'],
      [`model ${MODEL}`, 'status', 'production', 'preview'],
      [`model ${MODEL}`, 'input', '$0.075', '$0.1'],
    ]);
  });

  it('leave out fields that only state a default', () => {
    expect(policyChanges(published({ a: team }), published({ a: { ...team, maxConcurrent: 5 } }))).toEqual([]);
  });

  it('include added, changed and removed parts of the infrastructure, except at the first deployment', () => {
    const after = { 'Gateway/Function': '2', 'Alarms/Topic': '1' };
    expect(infrastructureChanges(undefined, after)).toEqual([]);
    const changes = infrastructureChanges({ 'Gateway/Function': '1', 'Ledger/Table': '1' }, after);
    expect(changes.map(({ field, after: is }) => [field, is])).toEqual([
      ['Alarms/Topic', 'added'],
      ['Gateway/Function', 'changed'],
      ['Ledger/Table', 'removed'],
    ]);
  });

  it('are a table within CloudFormation’s limit, with a count of the rows left out', () => {
    const many = Array.from({ length: 300 }, (_, i) => ({
      subject: `team t${i}`,
      field: 'purpose',
      before: 'a | b',
      after: 'c',
      why: '',
    }));
    const summary = summarizeChanges(many);
    expect(Buffer.byteLength(summary)).toBeLessThan(3_200);
    expect(summary).toMatch(/\.\.\. and \d+ more: npx groq-rbac changes/);
    expect(summary).toContain('| team t0: purpose | a \\| b | c |  |');
    expect(renderChanges(many).split('\n')).toHaveLength(304);
    expect(summarizeChanges([])).toBe('No policy, price or resource changed.');
  });
});

describe('a price that changes more than threefold', () => {
  const jump = (factor: number, more: object = {}) =>
    checkPriceJumps('catalog', catalog, catalogWith({ output: 0.3 * factor, ...more }));
  it.each([4, 0.25, 100])('by %f is refused, with both prices and how to confirm the new one', (factor) => {
    expect(() => jump(factor)).toThrow(/"openai\/gpt-oss-20b": output moves from \$0\.3 to .*priceConfirmedOn/);
  });
  it.each([3, 0.5, 1])('by %f passes', (factor) => {
    expect(() => jump(factor)).not.toThrow();
  });
  it('passes once, by a new priceConfirmedOn', () => {
    const confirmed = { priceConfirmedOn: '2026-11-25' };
    expect(() => jump(4, confirmed)).not.toThrow();
    const before = catalogWith({ output: 1.2, ...confirmed });
    expect(() => checkPriceJumps('catalog', before, catalogWith({ output: 12, ...confirmed }))).toThrow(/threefold/);
  });
  it('passes in a rollback', () => {
    const confirmed = catalogWith({ output: 1.2, priceConfirmedOn: '2026-11-25' });
    expect(() => checkPriceJumps('catalog', confirmed, catalog)).not.toThrow();
  });
});

describe("a custom resource's properties", () => {
  it('preserve an environment and a catalog, although CloudFormation turns every value into text', () => {
    const environment = {
      organization: { alertsUsd: [1, 2.5] },
      teams: { a: { ...team, rateLimitTpm: null, purpose: 'x' } },
    };
    const asText = JSON.parse(JSON.stringify(encodeProperties(environment)));
    expect(decodeProperties(asText)).toEqual(environment);
    expect(decodeCatalog(encodeCatalog(catalogContent()))).toEqual(catalogContent());
  });

  it('are ASCII, because CloudFormation replaces other characters', () => {
    const encoded = encodeProperties({ purpose: 'Für 😀 “alle”' });
    expect(String(encoded.purpose)).toMatch(/^[ -~]+$/);
    expect(decodeProperties(encoded)).toEqual({ purpose: 'Für 😀 “alle”' });
  });
});

describe('the canary', () => {
  it('is a team with a budget of $0 and a reserved name', () => {
    const file = addCanaryTeam('file', { teams: { a: team } }, catalog);
    expect(file.teams['groq-rbac-canary']).toMatchObject({
      monthlyBudgetUsd: 0,
      allowedModels: ['openai/gpt-oss-120b'],
    });
    expect(() => addCanaryTeam('file', { teams: { 'groq-rbac-canary': team } }, catalog)).toThrow(/the name is taken/);
  });
});
