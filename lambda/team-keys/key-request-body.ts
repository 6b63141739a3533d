import * as v from 'valibot';
import { ENDPOINTS } from '../contract.ts';
import { parseObject } from '../kernel/json/json-object.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';

const count = (what: string) =>
  v.pipe(
    v.number(`must be ${what} as a whole number`),
    v.integer(`must be ${what} as a whole number`),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(1_000_000_000, 'must be at most 1,000,000,000'),
  );
const list = <T extends v.GenericSchema>(item: T, what: string) =>
  v.pipe(
    v.array(item, `must be a list of ${what}`),
    v.minLength(1, `must name at least one`),
    v.maxLength(200, 'must name at most 200'),
  );
const optional = <T extends v.GenericSchema>(schema: T) => v.optional(v.nullable(schema));

const requestSchema = v.strictObject({
  name: v.pipe(
    v.string('must be text'),
    v.regex(/^[a-z][a-z0-9-]{0,95}$/, 'must be lower-case letters, digits and hyphens, at most 96'),
  ),
  team: optional(v.string('must be the name of a team')),
  role: optional(v.string('must be one of admin, lead, member, viewer')),
  allowed_models: optional(list(v.string('must be a list of model ids'), 'model ids')),
  endpoints: optional(list(v.picklist(ENDPOINTS, `must be a list of ${ENDPOINTS.join(', ')}`), 'endpoints')),
  requests_per_minute: optional(count('requests a minute')),
  tokens_per_minute: optional(count('tokens a minute')),
  monthly_budget_usd: optional(
    v.pipe(
      v.number('must be dollars'),
      v.minValue(0, 'must not be negative'),
      v.maxValue(1e9, 'must be at most 1,000,000,000'),
    ),
  ),
  expires_at: optional(
    v.union([v.string(), v.number()], 'must be a time such as 2026-12-31T00:00:00Z, or epoch seconds'),
  ),
});

/** The body of `POST /openai/v1/api-keys`. */
export type KeyRequestBody = v.InferOutput<typeof requestSchema>;

/** Parses the body of a request for a key. An unknown field is refused before a missing one, which it may misspell. */
export function parseRequestBody(bodyText: string): KeyRequestBody | Refusal {
  const body = parseObject(bodyText);
  if (body === undefined) return refuse('invalid_request', 'The body is not a JSON object. Send {"name": …}.');
  const parsed = v.safeParse(requestSchema, body);
  return parsed.success ? parsed.output : explainIssue(parsed.issues.find(isUnknownField) ?? parsed.issues[0]);
}

/** Refuses the value of a field. */
export function invalidField(param: string, problem: string): Refusal {
  return refuse('invalid_request', `"${param}" ${problem}.`, { param });
}

function issueField({ path }: v.BaseIssue<unknown>): string {
  return String(path?.[0]?.key ?? '');
}

function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return issue.path?.length === 1 && !Object.hasOwn(requestSchema.entries, issueField(issue));
}

function explainIssue(issue: v.BaseIssue<unknown>): Refusal {
  const field = issueField(issue);
  const fields = Object.keys(requestSchema.entries);
  if (isUnknownField(issue))
    return invalidField(
      field.slice(0, 40),
      `is no field of a key${didYouMean(field.slice(0, 40), fields)}; the fields are ${fields.join(', ')}`,
    );
  return invalidField(field, issue.received === 'undefined' ? 'is missing' : issue.message);
}
