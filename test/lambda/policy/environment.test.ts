import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseEnvironment } from '../../../lambda/policy/environment.ts';
import { parseCatalog } from '../../../lambda/pricing/catalog.ts';
import { catalog, catalogContent } from '../../support/catalog.ts';

const CONFIGURED = new URL('../../../config/environments/', import.meta.url);
const team = { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 50 };
const parse = (content: unknown) => parseEnvironment('env.json', content, catalog);

describe('an environment', () => {
  it('fills missing fields with the documented defaults', () => {
    const { organization, teams } = parse({ teams: { bot: { allowedModels: ['openai/gpt-oss-20b'] } } });
    expect(organization).toEqual({ monthlyCapUsd: 500, alertsUsd: [], alertsPercent: [50, 80, 95] });
    expect(teams.get('bot')).toEqual({
      team: 'bot',
      purpose: '',
      requestsPerDay: null,
      whenLow: 'refuse',
      allowedModels: ['openai/gpt-oss-20b'],
      maxTokensPerRequest: null,
      monthlyBudgetPicoUsd: 500_000_000_000_000n,
      organizationCapPicoUsd: 500_000_000_000_000n,
      rateLimitRpm: 60,
      rateLimitTpm: null,
      maxConcurrent: 5,
      maxQueueMs: 0,
      priority: 'normal',
      onRetiredModel: 'refuse',
      rotateKeyEveryDays: null,
      groqKeySource: 'staged',
      rotateGroqKeyEveryDays: null,
      canaryPercent: 10,
      canaryMinutes: 10,
      alertRecipients: [],
    });
  });

  it('gives every team the fields that the deployment lets pass', () => {
    const { teams } = parse({ deployment: { passFields: ['new_field', 'messages[].new'] }, teams: { bot: team } });
    expect(teams.get('bot')?.passFields).toEqual(new Set(['new_field', 'messages[].new']));
  });

  it.each([
    [
      { teams: { bot: { ...team, rateLimitRPM: 5 } } },
      'env.json: team "bot": unknown field "rateLimitRPM"; did you mean "rateLimitRpm"?',
    ],
    [
      { teams: { bot: { ...team, monthlyBudgetUsd: -1 } } },
      'env.json: team "bot": "monthlyBudgetUsd" must not be negative',
    ],
    [
      { teams: { bot: { ...team, monthlyBudgetUsd: '50' } } },
      'env.json: team "bot": "monthlyBudgetUsd" must be dollars as a number',
    ],
    [
      { deployment: { passFields: ['Messages'] }, teams: { bot: team } },
      'env.json: "deployment.passFields.0": must be a path such as new_field or messages[].new_field, and not a field that is known already',
    ],
    [{ teams: { bot: { ...team, canaryPercent: 101 } } }, 'env.json: team "bot": "canaryPercent" must be at most 100'],
    [{ teams: { bot: { ...team, canaryMinutes: -1 } } }, 'env.json: team "bot": "canaryMinutes" must not be negative'],
    [{ teams: { bot: { monthlyBudgetUsd: 1 } } }, 'env.json: team "bot": "allowedModels" is missing'],
    [
      { teams: { bot: { ...team, allowedModels: ['openai/gpt-oss-20'] } } },
      'env.json: team "bot": "allowedModels": "openai/gpt-oss-20" is not in the catalog, so it has no price; did you mean "openai/gpt-oss-20b"?',
    ],
    [
      { teams: { bot: { ...team, allowedModels: ['groq/compound'] } } },
      'env.json: team "bot": "allowedModels": "groq/compound" has no bounded price, so no budget could hold',
    ],
    [{ teams: { bot: { ...team, maxConcurrent: 201 } } }, 'env.json: team "bot": "maxConcurrent" must be at most 200'],
    [{ teams: { bot: { ...team, maxQueueMs: 3000 } } }, 'env.json: team "bot": "maxQueueMs" must be at most 2000'],
    [
      { teams: { bot: { ...team, priority: 'hihg' } } },
      'env.json: team "bot": "priority" must be one of high, normal, batch',
    ],
    [
      { teams: { bot: { ...team, alertRecipients: ['nobody'] } } },
      'env.json: team "bot": "alertRecipients.0" must be a list of e-mail addresses',
    ],
    [
      { teams: { Bot: team } },
      'env.json: team "Bot": a name is 1 to 32 lower-case letters, digits and hyphens, and starts with a letter',
    ],
    [{ teams: {} }, 'env.json: "teams" is empty: name at least one team'],
    [null, 'env.json: must be an object'],
    [{ teams: { bot: null } }, 'env.json: team "bot": must be an object'],
    [{ teams: { bot: team, constructor: team } }, 'env.json: team "constructor": the name is reserved'],
    [{ team: {} }, 'env.json: unknown field "team"; did you mean "teams"?'],
    [
      { organisation: {}, teams: { bot: team } },
      'env.json: unknown field "organisation"; did you mean "organization"?',
    ],
    [
      { organization: { monthlyCap: 5 }, teams: { bot: team } },
      'env.json: "organization": unknown field "monthlyCap"; did you mean "monthlyCapUsd"?',
    ],
    [
      { organization: { monthlyCapUsd: 5, alertsUsd: [10] }, teams: { bot: team } },
      'env.json: "organization.alertsUsd": an alert at $10 can never trigger: monthlyCapUsd is $5',
    ],
  ])('that is invalid is refused with the place and the correct value: %j', (content, message) => {
    expect(() => parse(content)).toThrow(message);
  });

  it.each(readdirSync(CONFIGURED).filter((name) => name.endsWith('.ts')))(
    'in config/environments/%s is valid, and each of its teams has a model that Groq serves',
    async (name) => {
      const { default: content } = await import(new URL(name, CONFIGURED).href);
      for (const policy of parse(content).teams.values()) {
        expect(
          policy.allowedModels.some((id) => catalog.models.get(id)?.status !== 'retired'),
          policy.team,
        ).toBe(true);
      }
    },
  );
});

describe('a catalog', () => {
  const wrong = (change: (model: Record<string, unknown>) => void) => () => {
    const content = catalogContent();
    change(content.models[0] as Record<string, unknown>);
    parseCatalog('catalog.json', content);
  };
  const cases: [string, (model: Record<string, unknown>) => void, string][] = [
    [
      'a price below a pico-dollar a token',
      (model) => Object.assign(model, { input: 0.0000001 }),
      'catalog.json: model "openai/gpt-oss-120b": "input" has more than six decimals',
    ],
    [
      'a negative price',
      (model) => Object.assign(model, { output: -1 }),
      'model "openai/gpt-oss-120b": "output" must not be negative',
    ],
    ['no price', (model) => delete model.input, 'model "openai/gpt-oss-120b": "input" is missing'],
    [
      'a mistyped field',
      (model) => Object.assign(model, { cachedinput: 1 }),
      'unknown field "cachedinput"; did you mean "cachedInput"?',
    ],
    [
      'a replacement that does not exist',
      (model) => Object.assign(model, { replacement: 'openai/gpt-oss-20' }),
      'did you mean "openai/gpt-oss-20b"?',
    ],
    ['a model twice', (model) => Object.assign(model, { id: 'openai/gpt-oss-20b' }), 'is listed twice'],
  ];
  it.each(cases)('with %s is refused', (_what, change, message) => {
    expect(wrong(change)).toThrow(message);
  });

  it('may be a plain list of facts', () => {
    const [model] = catalogContent().models;
    const { source: _source, readOn: _readOn, ...facts } = model as Record<string, unknown>;
    expect(
      parseCatalog('facts.json', { _note: 'x', models: [facts], notPriceable: ['a'], notPriceableWhy: 'b' }).models
        .size,
    ).toBe(1);
  });

  it('names the source and the date of each figure', () => {
    for (const model of catalogContent().models)
      expect(model).toMatchObject({ source: expect.stringMatching(/^https:/), readOn: expect.any(String) });
  });
});
