import { toUsdString } from '../kernel/money.ts';
import type { Environment, TeamPolicy } from '../policy/environment.ts';
import type { Catalog, Model } from '../pricing/catalog.ts';
import { ABSENT, type Change } from './change.ts';
import { modelPrices } from './model-prices.ts';

/** The policies and prices in force. */
export type PublishedPolicies = { readonly environment: Environment; readonly catalog: Catalog };

/** Compares two sets of policies. Changes of teams come first, then those of the organisation and of models. */
export function policyChanges(before: PublishedPolicies | undefined, after: PublishedPolicies): readonly Change[] {
  return [
    ...entryChanges(
      'team',
      before?.environment.teams ?? new Map(),
      after.environment.teams,
      teamFields,
      TEAM_EXPLANATIONS,
    ),
    ...fieldChanges(
      'organization',
      before === undefined ? undefined : organizationFields(before.environment),
      organizationFields(after.environment),
      ORGANIZATION_EXPLANATIONS,
    ),
    ...entryChanges(
      'model',
      before?.catalog.models ?? new Map(),
      after.catalog.models,
      modelFields,
      MODEL_EXPLANATIONS,
    ),
  ];
}

const TEAM_EXPLANATIONS: Readonly<Record<string, string>> = {
  '': 'Its keys work from now on, and its full budget is available.',
  removed: 'Its keys are revoked; its ledger and history stay.',
  monthlyBudgetUsd: 'The available amount moves by the difference, at once; spending stays counted.',
  allowedModels: 'A model that was removed is refused within a minute.',
  maxTokensPerRequest: 'A request for longer output is refused, and one without a limit gets this one.',
  rateLimitRpm: 'Requests over it get 429 with the exact time to retry.',
  rateLimitTpm: "A request larger than a minute's allowance is refused.",
  requestsPerDay: 'Requests over it get 429 from API Gateway until midnight UTC.',
  whenLow: 'Decides whether answers get shorter at the end of a budget, or calls are refused.',
  groqKeySource: 'Decides where the next rotation gets its Groq key; the current key stays.',
  rotateGroqKeyEveryDays: 'Its Groq key is rotated after this many days; a staged key must be ready by then.',
  canaryPercent: 'Decides the share of calls that try a new Groq key first.',
  canaryMinutes: 'Decides how long a share of the calls tries a new Groq key.',
  onRetiredModel: 'Decides whether services that name a retired model keep working.',
};
const ORGANIZATION_EXPLANATIONS: Readonly<Record<string, string>> = {
  alertsUsd: 'Operators are notified when spending passes these amounts.',
  alertsPercent: 'People are notified when spending passes these percentages of a budget.',
  monthlyCapUsd:
    'Limit of all teams together; it moves by the difference, at once. Also the budget of teams without one.',
};
const MODEL_EXPLANATIONS: Readonly<Record<string, string>> = {
  '': 'Teams that list it may call it.',
  retired:
    "A call to it is refused with its replacement named, or sent to the replacement if the team's policy says so.",
  removed: 'It has no price any more, so calls to it are refused.',
  status: "A retired model is refused with its replacement named, or replaced if the team's policy says so.",
  input: 'New calls are reserved and billed at it; calls in flight settle at the price they were admitted with.',
  output: 'New calls are reserved and billed at it; calls in flight settle at the price they were admitted with.',
  cachedInput: 'New calls are billed at it.',
  perAudioHour: 'New calls are reserved and billed at it.',
  perMillionCharacters: 'New calls are reserved and billed at it.',
};

type Fields = ReadonlyMap<string, string>;

function entryChanges<T>(
  kind: string,
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  toFields: (entry: T) => Fields,
  why: Readonly<Record<string, string>>,
): readonly Change[] {
  const removed = [...before.keys()].filter((name) => !after.has(name));
  return [
    ...[...after].flatMap(([name, entry]) => {
      const known = before.get(name);
      const subject = `${kind} ${name}`;
      if (known !== undefined) return fieldChanges(subject, toFields(known), toFields(entry), why);
      const fields = toFields(entry);
      const reason = why[fields.get('status') ?? ''] ?? why[''] ?? '';
      return [{ subject, field: '', before: ABSENT, after: summarizeFields(fields), why: reason }];
    }),
    ...removed.map((name) => ({
      subject: `${kind} ${name}`,
      field: '',
      before: 'deployed',
      after: 'removed',
      why: why.removed ?? '',
    })),
  ];
}

function fieldChanges(
  subject: string,
  before: Fields | undefined,
  after: Fields,
  why: Readonly<Record<string, string>>,
): readonly Change[] {
  return [...after].flatMap(([field, value]) => {
    const was = before?.get(field) ?? ABSENT;
    return was === value ? [] : [{ subject, field, before: was, after: value, why: why[field] ?? '' }];
  });
}

function summarizeFields(fields: Fields): string {
  const summarized = [
    'monthlyBudgetUsd',
    'allowedModels',
    'status',
    'input',
    'output',
    'perAudioHour',
    'perMillionCharacters',
  ];
  return summarized.flatMap((field) => (fields.has(field) ? [`${field} ${fields.get(field)}`] : [])).join('; ');
}

function teamFields({
  team: _name,
  organizationCapPicoUsd: _cap,
  monthlyBudgetPicoUsd,
  ...policy
}: TeamPolicy): Fields {
  return new Map([
    ['monthlyBudgetUsd', `$${toUsdString(monthlyBudgetPicoUsd)}`],
    ...Object.entries(policy).map(([field, value]): [string, string] => [field, formatValue(value)]),
  ]);
}

function organizationFields({ organization }: Environment): Fields {
  return new Map(Object.entries(organization).map(([field, value]) => [field, formatValue(value)]));
}

function modelFields(model: Model): Fields {
  const prices = [...modelPrices(model)].map(([name, price]): [string, string] => [name, `$${toUsdString(price)}`]);
  return new Map([
    ['status', model.status],
    ...prices,
    ...(model.kind === 'chat' ? ([['contextWindow', String(model.contextWindow)]] as const) : []),
  ]);
}

function formatValue(value: unknown): string {
  if (value === null) return 'no limit';
  return Array.isArray(value) ? value.join(', ') || 'none' : String(value);
}
