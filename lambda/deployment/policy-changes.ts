import { ConfigError } from '../kernel/config-error.ts';
import { type PicoUsd, picoUsd, toUsdString } from '../kernel/money.ts';
import type { Environment, TeamPolicy } from '../policy/environment.ts';
import type { Catalog, Model } from '../pricing/catalog.ts';

/** One thing that a deployment changed, and what follows from it. */
export type Change = {
  /** Such as `team chatbot`, `model openai/gpt-oss-20b`, `organization` or `infrastructure`. */
  readonly subject: string;
  readonly field: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
};

/** Policies and prices as they are in force. */
export type PublishedPolicies = { readonly environment: Environment; readonly catalog: Catalog };

/** A price may move by this factor in one deployment; more is more likely a mistyped decimal point than a price. */
const MAX_PRICE_FACTOR = 3n;
const NONE = '-';

/**
 * Refuses prices that moved more than threefold since the last deployment, unless the entry's `priceConfirmedOn` has changed.
 *
 * @throws ConfigError naming the model, both prices, and the way to confirm them.
 */
export function checkPriceJumps(file: string, before: Catalog, after: Catalog): void {
  for (const model of after.models.values()) {
    const known = before.models.get(model.id);
    if (known === undefined) continue;
    // Also when the word is taken back: a deployment that is rolled back must be able to.
    if (model.priceConfirmedOn !== known.priceConfirmedOn) continue;
    const former = pricesOf(known);
    for (const [name, price] of pricesOf(model)) {
      const was = former.get(name);
      if (was === undefined || (price <= was * MAX_PRICE_FACTOR && was <= price * MAX_PRICE_FACTOR)) continue;
      throw new ConfigError(
        `${file}: model "${model.id}": ${name} moves from $${toUsdString(was)} to $${toUsdString(price)}, more than threefold; if that is right, set its "priceConfirmedOn" to today's date`,
      );
    }
  }
}

/** What changes between two sets of policies, in the order in which people ask: teams, organisation, models. */
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

/** What changes between two digests of a template: construct paths, and a hash of what each is. */
export function infrastructureChanges(
  before: Readonly<Record<string, string>> | undefined,
  after: Readonly<Record<string, string>>,
): readonly Change[] {
  // A first deployment changes everything, which tells nobody anything.
  if (before === undefined) return [];
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return paths
    .filter((path) => before[path] !== after[path])
    .map((path) => {
      const was = before[path] === undefined ? NONE : 'deployed';
      const is = after[path] === undefined ? 'removed' : before[path] === undefined ? 'added' : 'changed';
      return { subject: 'infrastructure', field: path, before: was, after: is, why: explainInfrastructureChange(path) };
    });
}

function explainInfrastructureChange(path: string): string {
  const known = Object.entries(INFRASTRUCTURE_EXPLANATIONS).find(([start]) => path.startsWith(start));
  return known?.[1] ?? 'See cdk diff for its properties.';
}

const INFRASTRUCTURE_EXPLANATIONS: Readonly<Record<string, string>> = {
  Ledger: 'Holds the money: check that the table was updated in place.',
  Registry: 'Holds policies, keys and the audit trail: check that the table was updated in place.',
  'Gateway/': 'Judges and forwards every request.',
  'Authorizer/': 'Admits every key.',
  Api: 'What clients talk to.',
  Team: 'Usage plan, plan key and Groq secret of a team.',
};

const TEAM_EXPLANATIONS: Readonly<Record<string, string>> = {
  '': 'Its keys work from now on, and its budget starts whole.',
  removed: 'Its keys are revoked; its ledger and history stay.',
  monthlyBudgetUsd: 'What is available moves by the difference, at once; what was spent stays counted.',
  allowedModels: 'A model that is gone from the list is refused within a minute.',
  maxTokensPerRequest: 'Longer answers are refused, and a request that states no limit gets this one.',
  rateLimitRpm: 'Requests over it get 429 with the exact time to come back.',
  rateLimitTpm: 'A request that can never fit it is refused at once.',
  requestsPerDay: 'Requests over it get 429 from API Gateway until midnight UTC.',
  whenLow: 'Decides whether answers get shorter at the end of a budget, or calls are refused.',
  groqKeySource: 'Decides where the next Groq key of a rotation comes from; the current one stays.',
  rotateGroqKeyEveryDays: 'Its Groq key is rotated after so many days; with staged keys, one must wait by then.',
  canaryPercent: 'Decides how many calls go on a new Groq key while it is tried.',
  canaryMinutes: 'Decides how long a new Groq key is tried with a share of the calls.',
  onRetiredModel: 'Decides whether services that name a retired model go on working.',
};
const ORGANIZATION_EXPLANATIONS: Readonly<Record<string, string>> = {
  alertsUsd: 'Who watches spending is told at these amounts.',
  alertsPercent: 'Who watches spending is told at these shares of a budget.',
  monthlyCapUsd:
    'What all teams together may spend; it moves by the difference, at once. Also the budget of teams without one.',
};
const MODEL_EXPLANATIONS: Readonly<Record<string, string>> = {
  '': 'Teams that list it may call it.',
  retired: 'A call to it is refused with its replacement named, or replaced where the team says so.',
  removed: 'It has no price any more, so calls to it are refused.',
  status: 'A retired model is refused with its replacement named, or replaced where the team says so.',
  input: 'New calls are held and billed at it; calls in flight settle at the price they were admitted with.',
  output: 'New calls are held and billed at it; calls in flight settle at the price they were admitted with.',
  cachedInput: 'New calls are billed at it.',
  perAudioHour: 'New calls are held and billed at it.',
};

type Fields = ReadonlyMap<string, string>;

function entryChanges<T>(
  kind: string,
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  fieldsOf: (entry: T) => Fields,
  why: Readonly<Record<string, string>>,
): readonly Change[] {
  const removed = [...before.keys()].filter((name) => !after.has(name));
  return [
    ...[...after].flatMap(([name, entry]) => {
      const known = before.get(name);
      const subject = `${kind} ${name}`;
      if (known !== undefined) return fieldChanges(subject, fieldsOf(known), fieldsOf(entry), why);
      const fields = fieldsOf(entry);
      const reason = why[fields.get('status') ?? ''] ?? why[''] ?? '';
      return [{ subject, field: '', before: NONE, after: summarizeFields(fields), why: reason }];
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
    const was = before?.get(field) ?? NONE;
    return was === value ? [] : [{ subject, field, before: was, after: value, why: why[field] ?? '' }];
  });
}

function summarizeFields(fields: Fields): string {
  const shown = ['monthlyBudgetUsd', 'allowedModels', 'status', 'input', 'output', 'perAudioHour'];
  return shown.flatMap((field) => (fields.has(field) ? [`${field} ${fields.get(field)}`] : [])).join('; ');
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
  const prices = [...pricesOf(model)].map(([name, price]): [string, string] => [name, `$${toUsdString(price)}`]);
  return new Map([
    ['status', model.status],
    ...prices,
    ...(model.kind === 'chat' ? ([['contextWindow', String(model.contextWindow)]] as const) : []),
  ]);
}

/** A model's prices as its catalog entry names them: USD a million tokens, or an hour of audio. */
function pricesOf(model: Model): ReadonlyMap<string, PicoUsd> {
  if (model.kind === 'transcription') return new Map([['perAudioHour', model.audioHourPicoUsd]]);
  const perMillion = (price: PicoUsd): PicoUsd => picoUsd(price * 1_000_000n);
  return new Map([
    ['input', perMillion(model.inputTokenPicoUsd)],
    ['output', perMillion(model.outputTokenPicoUsd)],
    ['cachedInput', perMillion(model.cachedInputTokenPicoUsd)],
  ]);
}

function formatValue(value: unknown): string {
  if (value === null) return 'no limit';
  return Array.isArray(value) ? value.join(', ') || 'none' : String(value);
}
